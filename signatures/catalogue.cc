// See catalogue.h. Three questions, three tables: hosts (HostTable), requests (a HostTable whose
// values are lists of path and tool conditions, the most telling first), addresses (a short list,
// the longest prefix first). The company's own hosts stand in a table of their own, which is asked
// first.
#include "signatures/catalogue.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "signatures/catalogue_source.h"
#include "signatures/host_table.h"
#include "signatures/wildcard.h"

namespace weir::signatures {

namespace {

// Longer ones are compared by their beginning only: wildcards cost time in proportion.
constexpr size_t kMaxTarget = 2048;
constexpr size_t kMaxUserAgent = 512;
constexpr size_t kMaxNearIds = 3;

// Edits that turn `a` into `b`.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      const size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above + 1, row[j - 1] + 1, change});
      diagonal = above;
    }
  }
  return row[b.size()];
}

// Where a target of a request names the host too ("http://host/path"), only its path counts.
std::string_view path_of(std::string_view target) noexcept {
  if (!target.starts_with('/')) {
    const size_t scheme = target.find("://");
    if (scheme == std::string_view::npos) return target.substr(0, kMaxTarget);
    const size_t path = target.find('/', scheme + 3);
    target = path == std::string_view::npos ? std::string_view("/") : target.substr(path);
  }
  return target.substr(0, kMaxTarget);
}

struct Named {
  std::string pattern;
  uint32_t tool;
};

void sort_patterns(std::vector<Named>& patterns) {
  std::stable_sort(patterns.begin(), patterns.end(), [](const Named& a, const Named& b) {
    return literal_length(a.pattern) > literal_length(b.pattern);
  });
}

}  // namespace

struct Catalogue::Impl {
  struct Host {
    uint32_t face;
    MatchStrength strength;
  };
  struct Request {
    std::string path;                // empty: any
    bool with_query = false;         // the pattern has a "?"
    std::vector<std::string> tools;  // empty: any
    bool any_host = false;
    uint32_t face = 0;
    MatchStrength strength = MatchStrength::kRequest;
  };
  struct Network {
    IpNetwork network;
    uint32_t face;
    MatchStrength strength;
  };

  std::vector<ServiceFace> faces;
  std::vector<Host> hosts;
  HostTable own_table;  // values: hosts
  HostTable host_table;
  std::vector<std::vector<Request>> requests;  // of one host pattern each
  HostTable request_table;                     // values: requests
  std::vector<Network> networks;
  std::vector<Tool> tools;
  std::vector<HostTable> documented;  // of each tool; empty: nothing documented
  std::vector<bool> generic;          // of each tool
  std::vector<bool> browser;
  // Service or tool id -> data that its vendor documents. One table: ids of both name one product
  // where they are the same.
  std::map<std::string, std::vector<std::string>, std::less<>> documented_data;
  std::vector<Named> user_agents;
  std::vector<Named> ja4;
  std::vector<TenantHeader> tenant_headers;
  size_t services = 0;

  std::map<std::tuple<std::string, std::string, std::string, std::string>, uint32_t> face_index;

  uint32_t face(const ServiceSource& service, const FaceSource& over, ServiceStatus status);
  void add_service(const ServiceSource& service, ServiceStatus status);
  Status add_own(const config::ServiceSettings& company);
  Status add_all(const std::vector<ServiceSource>& sources, const config::ServiceSettings& company);
  Status add_tools(std::vector<ToolSource>& sources, std::vector<ServiceSource>& services,
                   const std::string& file);
  void add_data(const std::string& id, const std::vector<std::string>& data) {
    if (data.empty()) return;
    std::vector<std::string>& known = documented_data[id];
    known.insert(known.end(), data.begin(), data.end());
  }
  void build();

  [[nodiscard]] ServiceMatch host_match(const HostTable& table,
                                        std::string_view host) const noexcept;
  [[nodiscard]] const Request* request_match(std::string_view host, std::string_view target,
                                             std::string_view tool, bool with_path) const noexcept;
};

uint32_t Catalogue::Impl::face(const ServiceSource& service, const FaceSource& over,
                               ServiceStatus status) {
  const auto pick = [](const std::string& special, const std::string& general) {
    return special.empty() ? general : special;
  };
  ServiceFace made{service.id, pick(over.vendor, service.face.vendor),
                   pick(over.product, service.face.product),
                   pick(over.service_class, service.face.service_class), status};
  const auto key = std::tuple(made.service, made.vendor, made.product, made.service_class);
  const auto [at, fresh] = face_index.emplace(key, static_cast<uint32_t>(faces.size()));
  if (fresh) faces.push_back(std::move(made));
  return at->second;
}

void Catalogue::Impl::add_service(const ServiceSource& service, ServiceStatus status) {
  ++services;
  for (const HostSourceEntry& entry : service.hosts) {
    const MatchStrength strength = entry.shared ? MatchStrength::kShared
                                   : entry.low  ? MatchStrength::kLow
                                                : MatchStrength::kHost;
    host_table.add(entry.pattern, static_cast<uint32_t>(hosts.size()));
    hosts.push_back({face(service, entry.face, status), strength});
  }
  for (const RequestSource& entry : service.requests) {
    Request request;
    request.path = entry.path;
    request.with_query = entry.path.find('?') != std::string::npos;
    request.tools = entry.tools;
    request.any_host = entry.host == "*";
    request.face = face(service, entry.face, status);
    if (entry.low) request.strength = MatchStrength::kLow;
    int64_t list = request_table.value_of(entry.host);
    if (list < 0) {
      list = static_cast<int64_t>(requests.size());
      request_table.add(entry.host, static_cast<uint32_t>(list));
      requests.emplace_back();
    }
    requests[static_cast<size_t>(list)].push_back(std::move(request));
  }
  for (const IpNetwork& network : service.addresses) {
    networks.push_back({network, face(service, {}, status), MatchStrength::kAddress});
  }
}

Status Catalogue::Impl::add_own(const config::ServiceSettings& company) {
  for (const config::OwnService& own : company.own) {
    const ServiceSource service{own.id, {own.vendor, own.product, own.service_class}, {}, {}, {},
                                {}};
    ++services;
    for (const std::string& pattern : own.hosts) {
      if (const std::string wrong = check_host_pattern(pattern); !wrong.empty()) {
        return Error{"own service \"" + own.id + "\": " + wrong, {}, 0, 0};
      }
      const bool twice = own_table.add(pattern, static_cast<uint32_t>(hosts.size()));
      if (twice) {
        return Error{"own service \"" + own.id + "\": host \"" + pattern +
                         "\" is named by another own service, or twice",
                     {},
                     0,
                     0};
      }
      hosts.push_back({face(service, {}, own.status), MatchStrength::kHost});
    }
    // The company knows its own addresses: they classify, unlike those of the catalogue.
    for (const IpNetwork& network : own.networks) {
      networks.push_back({network, face(service, {}, own.status), MatchStrength::kHost});
    }
  }
  return ok_status();
}

Status Catalogue::Impl::add_all(const std::vector<ServiceSource>& sources,
                                const config::ServiceSettings& company) {
  std::map<std::string_view, ServiceStatus> statuses;
  std::set<std::string_view> ids;
  for (const ServiceSource& source : sources) ids.insert(source.id);
  for (const config::OwnService& own : company.own) {
    if (!ids.insert(own.id).second) {
      return Error{"own service \"" + own.id +
                       "\": the catalogue or another own service has this id; choose another, or "
                       "set its status under services.status",
                   company.file, own.line, own.column};
    }
  }
  for (size_t at = 0; at < company.status.size(); ++at) {
    const auto& [id, status] = company.status[at];
    statuses[id] = status;
    if (ids.count(id) != 0) continue;
    std::vector<std::pair<size_t, std::string_view>> near;
    for (const std::string_view known : ids) {
      const bool part = id.size() >= 3 && known.find(id) != std::string_view::npos;
      const size_t edits = part ? 1 : distance(id, known);
      if (edits <= std::max<size_t>(2, id.size() / 3)) near.emplace_back(edits, known);
    }
    std::sort(near.begin(), near.end());
    std::string message = "services.status: no service has the id \"" + id + "\"";
    for (size_t i = 0; i < std::min(near.size(), kMaxNearIds); ++i) {
      message += (i == 0 ? "; near: " : ", ") + std::string(near[i].second);
    }
    const bool placed = at < company.status_places.size();
    const auto [line, column] = placed ? company.status_places[at] : std::pair(0, 0);
    return Error{message, company.file, line, column};
  }
  for (const ServiceSource& source : sources) {
    const auto status = statuses.find(source.id);
    add_service(source, status == statuses.end() ? company.default_status : status->second);
  }
  config::ServiceSettings own = company;
  for (config::OwnService& service : own.own) {
    if (const auto status = statuses.find(service.id); status != statuses.end()) {
      service.status = status->second;
    }
  }
  return add_own(own);
}

Status Catalogue::Impl::add_tools(std::vector<ToolSource>& sources,
                                  std::vector<ServiceSource>& service_sources,
                                  const std::string& file) {
  std::set<std::string_view> ids;
  for (const ToolSource& source : sources) {
    const auto index = static_cast<uint32_t>(tools.size());
    ids.insert(source.id);
    tools.push_back({source.id, source.product});
    for (const std::string& pattern : source.user_agents) user_agents.push_back({pattern, index});
    for (const std::string& pattern : source.ja4) ja4.push_back({pattern, index});
    HostTable hosts_of_tool;
    for (const std::string& host : source.documented) hosts_of_tool.add(host, index);
    if (hosts_of_tool.size() > 0) hosts_of_tool.build();
    documented.push_back(std::move(hosts_of_tool));
    generic.push_back(source.generic);
    browser.push_back(source.browser);
    add_data(source.id, source.data);
  }
  for (const ServiceSource& service : service_sources) {
    add_data(service.id, service.data);
    for (const RequestSource& request : service.requests) {
      for (const std::string& tool : request.tools) {
        if (ids.count(tool) != 0) continue;
        return Error{"service \"" + service.id + "\": tool \"" + tool + "\" is not in tools.yaml",
                     file, request.line, request.column};
      }
    }
  }
  return ok_status();
}

void Catalogue::Impl::build() {
  own_table.build();
  host_table.build();
  request_table.build();
  for (std::vector<Request>& list : requests) {
    std::stable_sort(list.begin(), list.end(), [](const Request& a, const Request& b) {
      return std::pair(literal_length(a.path), !a.tools.empty()) >
             std::pair(literal_length(b.path), !b.tools.empty());
    });
  }
  std::stable_sort(networks.begin(), networks.end(), [](const Network& a, const Network& b) {
    return std::pair(a.strength, a.network.prefix) > std::pair(b.strength, b.network.prefix);
  });
  sort_patterns(user_agents);
  sort_patterns(ja4);
  face_index.clear();
}

ServiceMatch Catalogue::Impl::host_match(const HostTable& table,
                                         std::string_view host) const noexcept {
  ServiceMatch match;
  table.visit(host, [&](uint32_t value) {
    match = {&faces[hosts[value].face], hosts[value].strength};
    return true;
  });
  return match;
}

// `with_path`: only conditions on a path, otherwise only those on the tool alone.
const Catalogue::Impl::Request* Catalogue::Impl::request_match(std::string_view host,
                                                               std::string_view target,
                                                               std::string_view tool,
                                                               bool with_path) const noexcept {
  const std::string_view path = target.substr(0, target.find_first_of("?#"));
  const Request* found = nullptr;
  request_table.visit(host, [&](uint32_t value) {
    for (const Request& request : requests[value]) {
      if (request.path.empty() == with_path) continue;
      if (with_path && !wildcard_match(request.path, request.with_query ? target : path)) continue;
      if (!request.tools.empty() &&
          std::find(request.tools.begin(), request.tools.end(), tool) == request.tools.end()) {
        continue;
      }
      found = &request;
      return true;
    }
    return false;
  });
  return found;
}

Catalogue::Catalogue(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Catalogue::~Catalogue() = default;

Result<std::shared_ptr<const Catalogue>> Catalogue::load(const std::string& directory,
                                                         const config::ServiceSettings& company) {
  const std::string services_file = directory + "/ai_services.yaml";
  const std::string tools_file = directory + "/tools.yaml";
  const auto services = config::load_yaml(services_file);
  if (!services) return services.error();
  const auto tools = config::load_yaml(tools_file);
  if (!tools) return tools.error();
  return make(*services, services_file, *tools, tools_file, company);
}

Result<std::shared_ptr<const Catalogue>> Catalogue::parse(std::string_view services,
                                                          std::string_view tools,
                                                          const config::ServiceSettings& company) {
  const auto services_root = config::parse_yaml(services, "ai_services.yaml");
  if (!services_root) return services_root.error();
  const auto tools_root = config::parse_yaml(tools, "tools.yaml");
  if (!tools_root) return tools_root.error();
  return make(*services_root, "ai_services.yaml", *tools_root, "tools.yaml", company);
}

Result<std::shared_ptr<const Catalogue>> Catalogue::make(const config::YamlNode& services,
                                                         const std::string& services_file,
                                                         const config::YamlNode& tools,
                                                         const std::string& tools_file,
                                                         const config::ServiceSettings& company) {
  auto impl = std::make_unique<Impl>();
  std::vector<ServiceSource> service_sources;
  std::vector<ToolSource> tool_sources;
  config::YamlErrors service_errors(services_file);
  read_services(services, service_errors, service_sources);
  if (!service_errors.empty()) return service_errors.to_error();
  config::YamlErrors tool_errors(tools_file);
  read_tools(tools, tool_errors, tool_sources, impl->tenant_headers);
  if (!tool_errors.empty()) return tool_errors.to_error();
  if (const Status added = impl->add_tools(tool_sources, service_sources, services_file); !added) {
    return added.error();
  }
  if (const Status added = impl->add_all(service_sources, company); !added) return added.error();
  impl->build();
  return std::shared_ptr<const Catalogue>(new Catalogue(std::move(impl)));
}

ServiceMatch Catalogue::match_host(std::string_view host) const noexcept {
  std::array<char, kMaxHost> buffer;
  const std::string_view name = normalise_host(host, buffer.data());
  if (name.empty()) return {};
  const ServiceMatch own = impl_->host_match(impl_->own_table, name);
  return own.face != nullptr ? own : impl_->host_match(impl_->host_table, name);
}

ServiceMatch Catalogue::match_request(std::string_view host, std::string_view target,
                                      std::string_view tool) const noexcept {
  std::array<char, kMaxHost> buffer;
  const std::string_view name = normalise_host(host, buffer.data());
  if (name.empty()) return {};
  const ServiceMatch own = impl_->host_match(impl_->own_table, name);
  if (own.face != nullptr) return own;
  const std::string_view path = path_of(target);
  const Impl::Request* request = impl_->request_match(name, path, tool, true);
  if (request == nullptr) request = impl_->request_match(name, path, tool, false);
  const ServiceMatch by_host = impl_->host_match(impl_->host_table, name);
  // A path alone does not take a host away from the service that it is known for.
  if (request == nullptr || (request->any_host && by_host.classifies())) return by_host;
  return {&impl_->faces[request->face], request->strength};
}

ServiceMatch Catalogue::match_address(const IpAddress& server) const noexcept {
  for (const Impl::Network& network : impl_->networks) {
    if (network.network.contains(server)) return {&impl_->faces[network.face], network.strength};
  }
  return {};
}

const Tool* Catalogue::tool_by_user_agent(std::string_view user_agent) const noexcept {
  user_agent = user_agent.substr(0, kMaxUserAgent);
  for (const Named& named : impl_->user_agents) {
    if (wildcard_match(named.pattern, user_agent, LetterCase::kIgnore)) {
      return &impl_->tools[named.tool];
    }
  }
  return nullptr;
}

std::string_view Catalogue::tool_version(std::string_view user_agent) const noexcept {
  constexpr size_t kMaxVersion = 24;
  user_agent = user_agent.substr(0, kMaxUserAgent);
  for (const Named& named : impl_->user_agents) {
    if (!wildcard_match(named.pattern, user_agent, LetterCase::kIgnore)) continue;
    // The literal before the last "/*" of the pattern.
    std::string_view name = named.pattern;
    const size_t slash = name.rfind("/*");
    if (slash == std::string_view::npos) return {};
    name = name.substr(0, slash + 1);
    if (const size_t star = name.rfind('*'); star != std::string_view::npos) {
      name.remove_prefix(star + 1);
    }
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : int{c}; };
    const auto at = std::search(user_agent.begin(), user_agent.end(), name.begin(), name.end(),
                                [&](char a, char b) { return lower(a) == lower(b); });
    std::string_view version = user_agent;
    version.remove_prefix(static_cast<size_t>(at - user_agent.begin()));
    version.remove_prefix(std::min(name.size(), version.size()));
    const auto end = std::find_if(version.begin(), version.end(), [](char c) {
      return !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '.' || c == '-' || c == '+' || c == '_');
    });
    version = version.substr(0, static_cast<size_t>(end - version.begin())).substr(0, kMaxVersion);
    const bool number = !version.empty() && version[0] >= '0' && version[0] <= '9';
    return number ? version : std::string_view{};
  }
  return {};
}

const Tool* Catalogue::tool_by_ja4(std::string_view ja4) const noexcept {
  if (ja4.size() > kMaxHost) return nullptr;
  for (const Named& named : impl_->ja4) {
    if (wildcard_match(named.pattern, ja4)) return &impl_->tools[named.tool];
  }
  return nullptr;
}

std::optional<bool> Catalogue::documents(std::string_view tool,
                                         std::string_view host) const noexcept {
  for (size_t i = 0; i < impl_->tools.size(); ++i) {
    if (impl_->tools[i].id != tool) continue;
    if (impl_->documented[i].size() == 0) return std::nullopt;
    std::array<char, kMaxHost> buffer;
    bool found = false;
    impl_->documented[i].visit(normalise_host(host, buffer.data()), [&](uint32_t) {
      found = true;
      return true;
    });
    return found;
  }
  return std::nullopt;
}

const Tool* Catalogue::documented_by(std::string_view host) const noexcept {
  std::array<char, kMaxHost> buffer;
  const std::string_view name = normalise_host(host, buffer.data());
  const Tool* found = nullptr;
  for (size_t i = 0; i < impl_->tools.size(); ++i) {
    bool documents = false;
    if (impl_->documented[i].size() == 0) continue;
    impl_->documented[i].visit(name, [&](uint32_t) { return documents = true; });
    if (!documents) continue;
    if (found != nullptr) return nullptr;
    found = &impl_->tools[i];
  }
  return found;
}

bool Catalogue::is_browser(std::string_view tool) const noexcept {
  for (size_t i = 0; i < impl_->tools.size(); ++i) {
    if (impl_->tools[i].id == tool) return impl_->browser[i];
  }
  return false;
}

bool Catalogue::documents_data(std::string_view service, std::string_view tool,
                               std::string_view data_class, std::string_view field) const noexcept {
  const auto documents = [&](std::string_view id) {
    const auto found = impl_->documented_data.find(id);
    if (found == impl_->documented_data.end()) return false;
    return std::any_of(found->second.begin(), found->second.end(), [&](std::string_view item) {
      if (!item.starts_with(data_class)) return false;
      item.remove_prefix(data_class.size());
      return item.empty() || (item.front() == '.' && item.substr(1) == field);
    });
  };
  return documents(service) || (!tool.empty() && tool != service && documents(tool));
}

bool Catalogue::is_ai_client(std::string_view tool) const noexcept {
  for (size_t i = 0; i < impl_->tools.size(); ++i) {
    if (impl_->tools[i].id == tool) return !impl_->generic[i];
  }
  return false;
}

std::string_view Catalogue::tenant_header_vendor(std::string_view name) const noexcept {
  for (const TenantHeader& header : impl_->tenant_headers) {
    if (name.size() == header.name.size() &&
        wildcard_match(header.name, name, LetterCase::kIgnore)) {
      return header.vendor;
    }
  }
  return {};
}

bool Catalogue::has_service(std::string_view id) const noexcept {
  return std::any_of(impl_->faces.begin(), impl_->faces.end(),
                     [id](const ServiceFace& face) { return face.service == id; });
}
bool Catalogue::has_tool(std::string_view id) const noexcept {
  return std::any_of(impl_->tools.begin(), impl_->tools.end(),
                     [id](const Tool& tool) { return tool.id == id; });
}
size_t Catalogue::services() const noexcept { return impl_->services; }
size_t Catalogue::host_patterns() const noexcept {
  return impl_->host_table.size() + impl_->own_table.size();
}

}  // namespace weir::signatures
