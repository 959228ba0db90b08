// What the identification parsers count, one group a parser. One writer (the worker); app/ sums.
#pragma once

#include "core/counters.h"

namespace weir::inspect {

struct TlsCounters {
  Counter client_hellos;
  Counter client_hellos_without_name;
  Counter client_hellos_cut;
  Counter client_hellos_malformed;
  Counter client_hello_limit;
  Counter ssl2_hellos;
  Counter server_hellos;
  Counter hello_retries;
  Counter certificates;
  Counter certificates_malformed;
  Counter certificate_limit;
  Counter alerts;
  Counter gaps;
  Counter not_tls;
  Counter malformed;
  Counter starttls_found;
  Counter starttls_given_up;
  Counter no_room;
};

inline constexpr CounterTable<TlsCounters, 18> kTlsCounterTable{{
    {"client_hellos", &TlsCounters::client_hellos, "ClientHellos read, whole or in part"},
    {"client_hellos_without_name", &TlsCounters::client_hellos_without_name,
     "ClientHellos that carry no server name"},
    {"client_hellos_cut", &TlsCounters::client_hellos_cut,
     "ClientHellos of which only the beginning was seen"},
    {"client_hellos_malformed", &TlsCounters::client_hellos_malformed,
     "ClientHellos that could not be parsed"},
    {"client_hello_limit", &TlsCounters::client_hello_limit,
     "ClientHellos longer than the limit client_hello_bytes"},
    {"ssl2_hellos", &TlsCounters::ssl2_hellos, "hellos in the SSL 2 form"},
    {"server_hellos", &TlsCounters::server_hellos, "ServerHellos read"},
    {"hello_retries", &TlsCounters::hello_retries, "HelloRetryRequests"},
    {"certificates", &TlsCounters::certificates, "server certificates read"},
    {"certificates_malformed", &TlsCounters::certificates_malformed,
     "certificates that could not be parsed"},
    {"certificate_limit", &TlsCounters::certificate_limit,
     "certificates cut, or names left out, at a limit"},
    {"alerts", &TlsCounters::alerts, "alert records before encryption"},
    {"gaps", &TlsCounters::gaps, "lost bytes inside a handshake"},
    {"not_tls", &TlsCounters::not_tls, "streams that turned out to be another protocol"},
    {"malformed", &TlsCounters::malformed, "TLS streams with broken records"},
    {"starttls_found", &TlsCounters::starttls_found, "TLS found inside another protocol's stream"},
    {"starttls_given_up", &TlsCounters::starttls_given_up,
     "streams searched up to the limit without finding TLS"},
    {"no_room", &TlsCounters::no_room,
     "handshake messages in parts, of TLS and QUIC, beyond the limit handshake_bytes_total"},
}};
static_assert(describes_all(kTlsCounterTable));

struct QuicCounters {
  Counter datagrams;
  Counter initials;
  Counter initials_opened;
  Counter initials_not_opened;
  Counter unknown_versions;
  Counter version_negotiations;
  Counter retries;
  Counter malformed;
  Counter crypto_limit;
  Counter attempts_limit;
  Counter client_hellos;
  Counter client_hellos_cut;
  Counter client_hellos_malformed;
};

inline constexpr CounterTable<QuicCounters, 13> kQuicCounterTable{{
    {"datagrams", &QuicCounters::datagrams, "datagrams given to the QUIC decoder"},
    {"initials", &QuicCounters::initials, "Initial packets seen"},
    {"initials_opened", &QuicCounters::initials_opened, "client Initial packets decrypted"},
    {"initials_not_opened", &QuicCounters::initials_not_opened,
     "Initial packets that the client's keys do not open"},
    {"unknown_versions", &QuicCounters::unknown_versions, "packets of versions without known keys"},
    {"version_negotiations", &QuicCounters::version_negotiations, "Version Negotiation packets"},
    {"retries", &QuicCounters::retries, "Retry packets"},
    {"malformed", &QuicCounters::malformed, "packets or frames that break the format"},
    {"crypto_limit", &QuicCounters::crypto_limit,
     "CRYPTO frames dropped at the limit quic_crypto_bytes or for too many holes"},
    {"attempts_limit", &QuicCounters::attempts_limit,
     "flows given up after too many Initials without a ClientHello"},
    {"client_hellos", &QuicCounters::client_hellos, "ClientHellos read, whole or in part"},
    {"client_hellos_cut", &QuicCounters::client_hellos_cut,
     "ClientHellos of which only the beginning was seen"},
    {"client_hellos_malformed", &QuicCounters::client_hellos_malformed,
     "ClientHellos that could not be parsed"},
}};
static_assert(describes_all(kQuicCounterTable));

struct DnsCounters {
  Counter messages;
  Counter malformed;
  Counter record_limit;
  Counter gaps;
  Counter not_dns;
};

inline constexpr CounterTable<DnsCounters, 5> kDnsCounterTable{{
    {"messages", &DnsCounters::messages, "DNS messages read from TCP streams"},
    {"malformed", &DnsCounters::malformed, "DNS messages that could not be parsed to their end"},
    {"record_limit", &DnsCounters::record_limit, "DNS messages with more records than are kept"},
    {"gaps", &DnsCounters::gaps, "lost bytes inside a DNS stream"},
    {"not_dns", &DnsCounters::not_dns, "streams that turned out to be another protocol"},
}};
static_assert(describes_all(kDnsCounterTable));

struct NameCacheCounters {
  Counter stored;
  Counter evicted;
  Counter hits;
  Counter hits_of_others;
  Counter misses;
};

inline constexpr CounterTable<NameCacheCounters, 5> kNameCacheCounterTable{{
    {"stored", &NameCacheCounters::stored, "addresses of DNS answers stored or refreshed"},
    {"evicted", &NameCacheCounters::evicted, "names dropped at the limit dns_names"},
    {"hits", &NameCacheCounters::hits, "look-ups answered by what the client itself was told"},
    {"hits_of_others", &NameCacheCounters::hits_of_others,
     "look-ups answered by what another client was told"},
    {"misses", &NameCacheCounters::misses, "look-ups without an answer"},
}};
static_assert(describes_all(kNameCacheCounterTable));

}  // namespace weir::inspect
