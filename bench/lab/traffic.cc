#include "bench/lab/traffic.h"

#include <algorithm>
#include <array>
#include <utility>

#include "bench/lab/dns_messages.h"
#include "bench/lab/prose.h"
#include "bench/lab/quic_initial.h"
#include "bench/lab/tls_messages.h"
#include "core/hash.h"

namespace weir::lab {
namespace {

constexpr std::array<std::string_view, 8> kAiTlsHosts{
    "api.anthropic.com", "api2.cursor.sh", "chatgpt.com",      "claude.ai",
    "gemini.google.com", "api.openai.com", "api.deepseek.com", "api.githubcopilot.com"};
constexpr std::array<std::string_view, 8> kWebHosts{
    "www.bakery.example",  "news.example",      "shop.example",    "static.cdn.example",
    "mail.office.example", "maps.city.example", "weather.example", "wiki.example"};

const IpAddress kResolver = IpAddress::v4(0x0a140035);  // 10.20.0.53
constexpr uint16_t kDnsPort = 53;

std::string pick_host(LabRandom& random, const std::array<std::string_view, 8>& hosts) {
  return std::string(random.pick(hosts));
}

// The same host always has the same address, in 198.18.0.0/15 or 2001:db8::/32.
IpAddress host_address(const std::string& host, bool v6) {
  const uint64_t hash = siphash({}, as_bytes(host));
  if (!v6) return IpAddress::v4(static_cast<uint32_t>(0xc6120000 | (hash & 0x1ffff)));
  return IpAddress::v6(ByteWriter().u32(0x20010db8).u32(0x5e41).u64(hash).span());
}

IpAddress client_address(uint64_t number, bool v6) {
  if (!v6) return IpAddress::v4(static_cast<uint32_t>(0x0a140100 + number));
  return IpAddress::v6(ByteWriter().u32(0x20010db8).u32(0xc11e).u64(0x100 + number).span());
}

}  // namespace

uint64_t Traffic::frame_bytes() const noexcept {
  uint64_t sum = 0;
  for (const LabPacket& packet : packets_) sum += packet.frame.size();
  return sum;
}

uint16_t Traffic::next_port() noexcept { return static_cast<uint16_t>(32'768 + port_++ % 28'000); }

Traffic::Path Traffic::make_path(const std::string& host, uint16_t port, bool v6) {
  Path path;
  path.client = {client_address(1 + random_.below(200), v6), next_port()};
  path.server = {host_address(host, v6), port};
  path.link.round_trip = Duration::millis(static_cast<int64_t>(random_.between(4, 60)));
  return path;
}

void Traffic::datagram(Timestamp time, const Endpoint& from, const Endpoint& to, ByteSpan payload,
                       const std::vector<VlanTag>& vlans) {
  packets_.push_back({time, ethernet_ip(udp_packet(from, to, payload), vlans)});
}

LabLabel& Traffic::add_label(LabKind kind, const Path& path, Timestamp time, std::string protocol,
                             const std::string& host) {
  LabLabel label;
  label.kind = kind;
  label.time = time;
  label.client = path.client;
  label.server = path.server;
  label.encapsulation = path.link.vlans.empty() ? 0 : path.link.vlans.front().id;
  label.protocol = std::move(protocol);
  label.host = host;
  label.coding = "identity";
  labels_.push_back(std::move(label));
  return labels_.back();
}

// The DNS exchange before a session; returns when the session may begin.
Timestamp Traffic::resolve(const Path& path, const std::string& host, Timestamp start) {
  DnsExchange exchange;
  exchange.id = static_cast<uint16_t>(random_.next());
  exchange.name = host;
  if (random_.chance(0.4)) exchange.alias = "edge-" + random_.hex(6) + ".cdn.example";
  exchange.address = path.server.ip;
  // Clients ask over IPv4 or IPv6 as they reach the server.
  Path dns = path;
  dns.client.port = next_port();
  const bool v6 = !path.client.ip.is_v4();
  dns.server = {v6 ? client_address(0xffff, true) : kResolver, kDnsPort};
  const Timestamp answered = start + Duration::millis(static_cast<int64_t>(random_.between(1, 9)));
  datagram(start, dns.client, dns.server, dns_query(exchange), path.link.vlans);
  datagram(answered, dns.server, dns.client, dns_answer(exchange), path.link.vlans);
  add_label(LabKind::kBackground, dns, start, "dns", host);
  return answered + Duration::millis(1);
}

void Traffic::ai_clear_session(uint32_t serial, Timestamp start, const CodeExcerpt* code,
                               LabKind kind) {
  const AiSession session = make_ai_session(serial, random_, code);
  Path path = make_path(session.host, session.port, serial % 5 == 3);
  // Ways in which mirror ports disturb; each session has at most a few of them.
  if (serial % 4 == 1) path.link.vlans = {{static_cast<uint16_t>(100 + serial % 7)}};
  if (serial % 6 == 2) path.link.disorder = 0.2;
  if (serial % 6 == 4) path.link.repeat = 0.15;
  if (serial % 8 == 5) path.link.segment_bytes = 32'000;
  if (serial % 9 == 7) path.link.segment_bytes = 536;
  path.link.near_wrap = serial % 10 == 6;
  const Timestamp begin = resolve(path, session.host, start);
  TcpConversation tcp(random_, packets_, path.client, path.server, path.link, begin);
  tcp.open();
  for (const HttpRequest& request : session.requests) {
    tcp.send(Direction::kToServer, encode_request(random_, request));
    tcp.wait(Duration::millis(static_cast<int64_t>(random_.between(200, 900))));
    tcp.send(Direction::kToClient, event_stream_response(random_, random_.between(5, 60)));
    tcp.wait(Duration::millis(static_cast<int64_t>(random_.between(300, 5000))));
  }
  tcp.close();
  LabLabel& label = add_label(kind, path, begin, "http", session.host);
  label.api = session.api;
  label.form = session.form;
  label.coding = session.requests.front().coding;
  label.requests = static_cast<uint32_t>(session.requests.size());
  if (kind == LabKind::kLeak && code != nullptr) {
    label.repository = code->repository;
    label.path = code->path;
    label.first_line = code->first_line;
    label.last_line = code->last_line();
  }
}

void Traffic::tls(const Path& path, const std::string& host, Timestamp start, size_t up,
                  size_t down, bool post_quantum, HelloKind kind) {
  TcpConversation tcp(random_, packets_, path.client, path.server, path.link, start);
  ClientHelloPlan plan;
  plan.host = host;
  plan.post_quantum = post_quantum;
  plan.kind = kind;
  if (kind == HelloKind::kBun || random_.chance(0.3)) plan.alpn = {"http/1.1"};
  tcp.open();
  tcp.send(Direction::kToServer, client_hello_record(random_, plan));
  tcp.send(Direction::kToClient, server_flight(random_));
  tcp.send(Direction::kToServer, client_finished(random_));
  tcp.send(Direction::kToServer, application_data(random_, up));
  tcp.send(Direction::kToClient, application_data(random_, down));
  tcp.close();
}

void Traffic::ai_tls_session(uint32_t serial, Timestamp start) {
  const std::string host = pick_host(random_, kAiTlsHosts);
  Path path = make_path(host, 443, serial % 4 == 2);
  if (serial % 5 == 1) path.link.disorder = 0.3;
  const Timestamp begin = resolve(path, host, start);
  const size_t up = random_.between(2000, 90'000);
  const size_t down = random_.between(2000, 30'000);
  tls(path, host, begin, up, down, serial % 2 == 0);
  add_label(LabKind::kInnocent, path, begin, "tls", host);
}

void Traffic::ai_quic_session(uint32_t serial, Timestamp start) {
  const std::string host = pick_host(random_, kAiTlsHosts);
  const Path path = make_path(host, 443, false);
  Timestamp now = resolve(path, host, start);
  add_label(LabKind::kInnocent, path, now, "quic", host);
  ClientHelloPlan plan;
  plan.host = host;
  plan.post_quantum = serial % 2 == 1;
  const auto step = [&] {
    now = now + Duration{static_cast<int64_t>(random_.between(50'000, 9'000'000))};
    return now;
  };
  for (const Bytes& packet : quic_client_flight(random_, plan, serial % 3 != 0)) {
    datagram(step(), path.client, path.server, packet, path.link.vlans);
  }
  for (size_t i = random_.between(8, 30); i > 0; --i) {
    const bool up = random_.chance(0.4);
    datagram(step(), up ? path.client : path.server, up ? path.server : path.client,
             quic_opaque(random_, random_.between(30, 1200)), path.link.vlans);
  }
}

LabLabel& Traffic::clear_requests(uint64_t client, const std::string& host,
                                  const std::vector<HttpRequest>& requests, Timestamp start) {
  Path path = make_path(host, 443, false);
  path.client.ip = client_address(client, false);
  const Timestamp begin = resolve(path, host, start);
  TcpConversation tcp(random_, packets_, path.client, path.server, path.link, begin);
  tcp.open();
  for (const HttpRequest& request : requests) {
    tcp.send(Direction::kToServer, encode_request(random_, request));
    tcp.send(Direction::kToClient, plain_response("application/json", as_bytes("{}")));
    tcp.wait(Duration::millis(static_cast<int64_t>(random_.between(100, 400))));
  }
  tcp.close();
  LabLabel& label = add_label(LabKind::kInnocent, path, begin, "http", host);
  label.coding = requests.front().coding;
  label.requests = static_cast<uint32_t>(requests.size());
  return label;
}

LabLabel& Traffic::sealed_session(uint64_t client, const std::string& host, HelloKind hello,
                                  Timestamp start) {
  Path path = make_path(host, 443, false);
  path.client.ip = client_address(client, false);
  const Timestamp begin = resolve(path, host, start);
  tls(path, host, begin, random_.between(900, 4000), random_.between(500, 3000), false, hello);
  return add_label(LabKind::kInnocent, path, begin, "tls", host);
}

void Traffic::web_page(Timestamp start) {
  const std::string host = pick_host(random_, kWebHosts);
  const Path path = make_path(host, 80, random_.chance(0.2));
  const Timestamp begin = resolve(path, host, start);
  TcpConversation tcp(random_, packets_, path.client, path.server, path.link, begin);
  tcp.open();
  LabLabel& label = add_label(LabKind::kBackground, path, begin, "http", host);
  for (size_t i = random_.between(1, 6); i > 0; --i) {
    HttpRequest request;
    request.method = "GET";
    request.host = host;
    request.target = '/' + random_word(random_) + '/' + random_word(random_) + ".html";
    request.headers = {{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0"},
                       {"Accept", "text/html,*/*;q=0.8"}};
    tcp.send(Direction::kToServer, encode_request(random_, request));
    const bool picture = random_.chance(0.4);
    const std::string page = "<html><body><p>" + random_prose(random_, 6000) + "</p></body></html>";
    tcp.send(Direction::kToClient,
             picture ? plain_response("image/webp", random_.bytes(random_.between(4000, 60'000)))
                     : plain_response("text/html", as_bytes(page)));
    tcp.wait(Duration::millis(static_cast<int64_t>(random_.between(20, 2000))));
    ++label.requests;
  }
  tcp.close();
}

void Traffic::web_tls(Timestamp start) {
  const std::string host = pick_host(random_, kWebHosts);
  const Path path = make_path(host, 443, random_.chance(0.3));
  const Timestamp begin = resolve(path, host, start);
  const size_t up = random_.between(300, 4000);
  const size_t down = random_.between(4000, 120'000);
  tls(path, host, begin, up, down, random_.chance(0.5));
  add_label(LabKind::kBackground, path, begin, "tls", host);
}

void Traffic::udp_noise(Timestamp start) {
  Path path = make_path("voice.example", static_cast<uint16_t>(random_.between(10'000, 20'000)),
                        random_.chance(0.2));
  Timestamp now = start;
  for (size_t i = random_.between(10, 60); i > 0; --i) {
    const bool up = random_.chance(0.5);
    datagram(now, up ? path.client : path.server, up ? path.server : path.client,
             random_.bytes(random_.between(40, 400)), path.link.vlans);
    now = now + Duration::millis(20);
  }
  add_label(LabKind::kBackground, path, start, "udp", "");
}

void Traffic::lossy_upload(Timestamp start) {
  const std::string host = "upload.shop.example";
  Path path = make_path(host, 80, false);
  path.link.lose_one = true;
  const Timestamp begin = resolve(path, host, start);
  TcpConversation tcp(random_, packets_, path.client, path.server, path.link, begin);
  HttpRequest request;
  request.host = host;
  request.target = "/reviews";
  request.content_type = "text/plain";
  request.body = random_prose(random_, 12'000);
  tcp.open();
  tcp.send(Direction::kToServer, encode_request(random_, request));
  tcp.send(Direction::kToClient, plain_response("text/plain", as_bytes("thank you\n")));
  tcp.close();
  add_label(LabKind::kBackground, path, begin, "http", host).requests = 1;
}

}  // namespace weir::lab
