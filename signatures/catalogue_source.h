// The catalogue as its files say it, before look-up tables are made of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/yaml.h"
#include "core/ip.h"

namespace weir::signatures {

// Empty vendor, product, class: those of the service.
struct FaceSource {
  std::string vendor;
  std::string product;
  std::string service_class;
};

struct HostSourceEntry {
  std::string pattern;
  FaceSource face;
  bool shared = false;
  bool low = false;
};

struct RequestSource {
  std::string host;
  std::string path;  // empty: any
  std::vector<std::string> tools;
  FaceSource face;
  bool low = false;
  int line = 0;
  int column = 0;
};

struct ServiceSource {
  std::string id;
  FaceSource face;
  std::vector<HostSourceEntry> hosts;
  std::vector<RequestSource> requests;
  std::vector<IpNetwork> addresses;
  std::vector<std::string> data;  // documented: "time_zone", "user.email"
};

struct ToolSource {
  std::string id;
  std::string product;
  std::vector<std::string> user_agents;
  std::vector<std::string> ja4;
  bool browser = false;                 // of those, what every browser looks like
  bool generic = false;                 // a browser or HTTP client of everyone's
  std::vector<std::string> documented;  // host patterns
  std::vector<std::string> data;        // documented, as of a service
};

struct TenantHeader {
  std::string name;  // lower case
  std::string vendor;
};

void read_services(const config::YamlNode& root, config::YamlErrors& errors,
                   std::vector<ServiceSource>& out);
void read_tools(const config::YamlNode& root, config::YamlErrors& errors,
                std::vector<ToolSource>& tools, std::vector<TenantHeader>& tenant_headers);

}  // namespace weir::signatures
