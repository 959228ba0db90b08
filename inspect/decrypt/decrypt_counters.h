// What TLS decryption counts. One writer (the worker); app/ sums.
#pragma once

#include "core/counters.h"

namespace weir::inspect {

struct DecryptCounters {
  Counter connections;
  Counter connections_keyed;
  Counter connections_keyed_late;
  Counter connections_by_rsa;
  Counter rsa_not_opened;
  Counter rsa_limit;
  Counter records_opened;
  Counter clear_bytes;
  Counter sealed_bytes;
  Counter no_key;
  Counter unknown_cipher;
  Counter unknown_version;
  Counter no_handshake;
  Counter wrong_key;
  Counter bad_record;
  Counter bad_framing;
  Counter lost_records;
  Counter renegotiations;
  Counter records_missed;
  Counter resyncs;
  Counter records_cut;
  Counter key_updates;
  Counter hello_retries;
  Counter early_records;
  Counter early_records_sealed;
  Counter early_data_rejected;
  Counter held_bytes;
  Counter hold_limit;
  Counter hold_expired;
};

inline constexpr CounterTable<DecryptCounters, 29> kDecryptCounterTable{{
    {"connections", &DecryptCounters::connections, "TLS connections looked at"},
    {"connections_keyed", &DecryptCounters::connections_keyed, "of these, keys were found for"},
    {"connections_keyed_late", &DecryptCounters::connections_keyed_late,
     "of these, keys came after ciphertext had been held"},
    {"connections_by_rsa", &DecryptCounters::connections_by_rsa,
     "of these, a server's RSA key opened the handshake, or the one before that is resumed"},
    {"rsa_not_opened", &DecryptCounters::rsa_not_opened,
     "handshakes with RSA key exchange that no server key opened"},
    {"rsa_limit", &DecryptCounters::rsa_limit,
     "handshakes with RSA key exchange beyond limits.rsa_exchanges_per_second"},
    {"records_opened", &DecryptCounters::records_opened, "records decrypted and authenticated"},
    {"clear_bytes", &DecryptCounters::clear_bytes, "bytes of application data in clear"},
    {"sealed_bytes", &DecryptCounters::sealed_bytes, "encrypted bytes that were not decrypted"},
    {"no_key", &DecryptCounters::no_key, "directions given up because no key was known"},
    {"unknown_cipher", &DecryptCounters::unknown_cipher,
     "directions given up: cipher suite or compression not supported"},
    {"unknown_version", &DecryptCounters::unknown_version,
     "directions given up: SSL 2, or an early draft of TLS 1.3"},
    {"no_handshake", &DecryptCounters::no_handshake,
     "directions given up: the hello messages were not seen"},
    {"wrong_key", &DecryptCounters::wrong_key,
     "directions given up: the first record was not authentic"},
    {"bad_record", &DecryptCounters::bad_record,
     "directions given up: a later record was not authentic"},
    {"bad_framing", &DecryptCounters::bad_framing,
     "directions given up: no TLS record where one must begin"},
    {"lost_records", &DecryptCounters::lost_records,
     "directions given up: the thread was not found again after lost packets"},
    {"renegotiations", &DecryptCounters::renegotiations,
     "directions given up: new keys by renegotiation, which is not followed"},
    {"records_missed", &DecryptCounters::records_missed,
     "records known to be lost, wholly or in part"},
    {"resyncs", &DecryptCounters::resyncs, "times the thread was found again after lost packets"},
    {"records_cut", &DecryptCounters::records_cut, "records that the end of the stream cut short"},
    {"key_updates", &DecryptCounters::key_updates, "KeyUpdate messages followed"},
    {"hello_retries", &DecryptCounters::hello_retries, "HelloRetryRequests"},
    {"early_records", &DecryptCounters::early_records, "records of 0-RTT data decrypted"},
    {"early_records_sealed", &DecryptCounters::early_records_sealed,
     "records of 0-RTT data passed over for want of a key"},
    {"early_data_rejected", &DecryptCounters::early_data_rejected,
     "connections whose decrypted 0-RTT data the server refused"},
    {"held_bytes", &DecryptCounters::held_bytes, "bytes held until their keys came"},
    {"hold_limit", &DecryptCounters::hold_limit, "directions of which not all could be held"},
    {"hold_expired", &DecryptCounters::hold_expired,
     "connections whose held bytes were dropped because no key came in time"},
}};
static_assert(describes_all(kDecryptCounterTable));

}  // namespace weir::inspect
