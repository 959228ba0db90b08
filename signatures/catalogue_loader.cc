// From the YAML of ai_services.yaml and tools.yaml to catalogue_source.h. What each key means
// stands at the head of those files.
#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "signatures/catalogue_source.h"
#include "signatures/data_class.h"
#include "signatures/wildcard.h"

namespace weir::signatures {

namespace {

using config::MapReader;
using config::YamlErrors;
using config::YamlNode;

constexpr std::array<std::string_view, 7> kClasses{
    "chat", "coding_agent", "api", "code_completion", "model_hub", "gateway", "telemetry"};

bool good_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

void read_id(MapReader& map, std::string& out) {
  map.require("id");
  if (map.text("id", out) && !good_id(out)) {
    map.bad("id", "\"" + out + "\", expected lower-case letters, digits, '-' and '.'");
  }
}

void read_class(MapReader& map, std::string& out) {
  if (!map.text("class", out)) return;
  if (std::find(kClasses.begin(), kClasses.end(), out) != kClasses.end()) return;
  std::string expected;
  for (const std::string_view name : kClasses) {
    expected += (expected.empty() ? "" : ", ") + std::string(name);
  }
  map.bad("class", "\"" + out + "\", expected one of " + expected);
}

void read_face(MapReader& map, FaceSource& out) {
  map.text("vendor", out.vendor);
  map.text("product", out.product);
  read_class(map, out.service_class);
}

// Names of `sources`, against which each entry's `source` is checked.
using Sources = std::map<std::string, std::string, std::less<>>;

void read_sources(MapReader& root, Sources& out) {
  root.require("sources");
  const YamlNode* node = root.map("sources");
  if (node == nullptr) return;
  for (size_t i = 0; i < node->keys.size(); ++i) out[node->keys[i]] = node->values[i].scalar;
}

void check_source(MapReader& map, const Sources& sources) {
  map.require("source");
  std::vector<std::string> names;
  map.texts("source", names);
  for (const std::string& name : names) {
    if (sources.find(name) == sources.end())
      map.bad("source", "\"" + name + "\" is no key of sources");
  }
}

void check_host(const std::string& pattern, const YamlNode& at, const std::string& path,
                YamlErrors& errors) {
  if (const std::string wrong = check_host_pattern(pattern); !wrong.empty()) {
    errors.add(at, path + ": " + wrong);
  }
}

void read_hosts(MapReader& service, YamlErrors& errors, std::vector<HostSourceEntry>& out) {
  const YamlNode* list = service.list("hosts");
  if (list == nullptr) return;
  for (size_t i = 0; i < list->items.size(); ++i) {
    const YamlNode& item = list->items[i];
    const std::string path = service.path("hosts") + "[" + std::to_string(i) + "]";
    HostSourceEntry entry;
    if (item.kind == YamlNode::Kind::kScalar) {
      entry.pattern = item.scalar;
      check_host(entry.pattern, item, path, errors);
    } else {
      MapReader map(item, path, errors);
      map.require("host");
      if (map.text("host", entry.pattern)) {
        check_host(entry.pattern, *item.find("host"), path + ".host", errors);
      }
      read_face(map, entry.face);
      map.boolean("shared", entry.shared);
      map.boolean("low", entry.low);
      std::string note;
      map.text("note", note);
      map.finish();
    }
    out.push_back(std::move(entry));
  }
}

void read_requests(MapReader& service, YamlErrors& errors, std::vector<RequestSource>& out) {
  const YamlNode* list = service.list("requests");
  if (list == nullptr) return;
  for (size_t i = 0; i < list->items.size(); ++i) {
    const YamlNode& item = list->items[i];
    const std::string path = service.path("requests") + "[" + std::to_string(i) + "]";
    RequestSource entry;
    entry.line = item.line;
    entry.column = item.column;
    MapReader map(item, path, errors);
    map.require("host");
    if (map.text("host", entry.host)) {
      check_host(entry.host, *item.find("host"), path + ".host", errors);
    }
    if (map.text("path", entry.path) && !entry.path.starts_with('/') &&
        !entry.path.starts_with('*')) {
      map.bad("path", "\"" + entry.path + "\", expected to begin with '/' or '*'");
    }
    map.texts("tools", entry.tools);
    if (entry.path.empty() && entry.tools.empty()) {
      errors.add(item, path + ": says no more than a host; expected path or tools");
    }
    read_face(map, entry.face);
    map.boolean("low", entry.low);
    std::string note;
    map.text("note", note);
    map.finish();
    out.push_back(std::move(entry));
  }
}

void read_addresses(MapReader& service, std::vector<IpNetwork>& out) {
  std::vector<std::string> texts;
  service.texts("addresses", texts);
  for (const std::string& text : texts) {
    if (const auto network = IpNetwork::parse(text)) {
      out.push_back(*network);
    } else {
      service.bad("addresses", "\"" + text + "\", expected a network such as 192.0.2.0/24");
    }
  }
}

void read_data(MapReader& documents, std::vector<std::string>& out) {
  if (!documents.texts("data", out)) return;
  for (const std::string& item : out) {
    const std::string_view name = std::string_view(item).substr(0, item.find('.'));
    if (parse_data_class(name)) continue;
    documents.bad("data", "\"" + item + "\", expected CLASS or CLASS.FIELD; classes are " +
                              std::string(kDataClassNames));
  }
}

}  // namespace

void read_services(const YamlNode& root, YamlErrors& errors, std::vector<ServiceSource>& out) {
  MapReader map(root, {}, errors);
  Sources sources;
  read_sources(map, sources);
  map.require("services");
  const YamlNode* list = map.list("services");
  std::map<std::string, int, std::less<>> lines;     // id -> line
  std::map<std::string, int, std::less<>> patterns;  // host pattern -> line of its service
  for (size_t i = 0; list != nullptr && i < list->items.size(); ++i) {
    const YamlNode& item = list->items[i];
    ServiceSource service;
    MapReader entry(item, "services[" + std::to_string(i) + "]", errors);
    read_id(entry, service.id);
    for (const std::string_view key : {"vendor", "product", "class"}) entry.require(key);
    read_face(entry, service.face);
    check_source(entry, sources);
    std::string note;
    entry.text("note", note);
    read_hosts(entry, errors, service.hosts);
    read_requests(entry, errors, service.requests);
    read_addresses(entry, service.addresses);
    if (const YamlNode* documented = entry.map("documented")) {
      MapReader documents(*documented, entry.path("documented"), errors);
      check_source(documents, sources);
      documents.require("data");
      read_data(documents, service.data);
      documents.finish();
    }
    entry.finish();
    if (const auto [at, fresh] = lines.emplace(service.id, item.line); !fresh) {
      entry.bad("id", "\"" + service.id + "\" is taken in line " + std::to_string(at->second));
    }
    for (const HostSourceEntry& host : service.hosts) {
      if (const auto [at, fresh] = patterns.emplace(host.pattern, item.line); !fresh) {
        entry.bad("hosts", "\"" + host.pattern + "\" is named by the service in line " +
                               std::to_string(at->second));
      }
    }
    out.push_back(std::move(service));
  }
  map.finish();
}

void read_tools(const YamlNode& root, YamlErrors& errors, std::vector<ToolSource>& tools,
                std::vector<TenantHeader>& tenant_headers) {
  MapReader map(root, {}, errors);
  Sources sources;
  read_sources(map, sources);
  map.require("tools");
  const YamlNode* list = map.list("tools");
  std::map<std::string, int, std::less<>> lines;
  for (size_t i = 0; list != nullptr && i < list->items.size(); ++i) {
    const YamlNode& item = list->items[i];
    ToolSource tool;
    MapReader entry(item, "tools[" + std::to_string(i) + "]", errors);
    read_id(entry, tool.id);
    entry.require("product");
    entry.text("product", tool.product);
    check_source(entry, sources);
    std::string note;
    entry.text("note", note);
    entry.texts("user_agents", tool.user_agents);
    entry.texts("ja4", tool.ja4);
    entry.boolean("generic", tool.generic);
    entry.boolean("browser", tool.browser);
    if (const YamlNode* documented = entry.map("documented")) {
      MapReader documents(*documented, entry.path("documented"), errors);
      check_source(documents, sources);
      if (documented->find("data") == nullptr) documents.require("hosts");
      documents.texts("hosts", tool.documented);
      read_data(documents, tool.data);
      for (const std::string& host : tool.documented) {
        check_host(host, *documented, documents.path("hosts"), errors);
      }
      documents.finish();
    }
    entry.finish();
    if (const auto [at, fresh] = lines.emplace(tool.id, item.line); !fresh) {
      entry.bad("id", "\"" + tool.id + "\" is taken in line " + std::to_string(at->second));
    }
    tools.push_back(std::move(tool));
  }
  const YamlNode* headers = map.list("tenant_headers");
  for (size_t i = 0; headers != nullptr && i < headers->items.size(); ++i) {
    TenantHeader header;
    MapReader entry(headers->items[i], "tenant_headers[" + std::to_string(i) + "]", errors);
    entry.require("name");
    entry.text("name", header.name);
    entry.require("vendor");
    entry.text("vendor", header.vendor);
    check_source(entry, sources);
    std::string note;
    entry.text("note", note);
    entry.finish();
    tenant_headers.push_back(std::move(header));
  }
  map.finish();
}

}  // namespace weir::signatures
