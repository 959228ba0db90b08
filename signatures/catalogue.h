// The AI-service catalogue: which service a host, a request or an address belongs to, with the
// company's own services and statuses merged in; and the client programs that user agents and TLS
// fingerprints name. Immutable once made; look-ups allocate nothing. ai_services.yaml and
// tools.yaml say at their heads how they are written.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "config/yaml.h"
#include "core/ip.h"
#include "core/result.h"
#include "core/verdict.h"

namespace weir::signatures {

// A service as one of its hosts or paths shows it (vendor, product and class may differ by host).
struct ServiceFace {
  std::string service;  // id
  std::string vendor;
  std::string product;
  std::string service_class;
  ServiceStatus status = ServiceStatus::kUnknown;
};

enum class MatchStrength : uint8_t {
  kNone,
  kShared,   // the host serves many products: never classifies alone
  kAddress,  // address range: supporting only
  kLow,      // weak or stale attribution
  kHost,
  kRequest,  // host with path or tool
};

struct ServiceMatch {
  const ServiceFace* face = nullptr;  // owned by the catalogue
  MatchStrength strength = MatchStrength::kNone;
  // True when this match may name the flow's service on its own.
  [[nodiscard]] bool classifies() const noexcept { return strength >= MatchStrength::kLow; }
};

struct Tool {
  std::string id;
  std::string product;
};

class Catalogue {
 public:
  // `directory` holds ai_services.yaml and tools.yaml. Statuses for ids that do not exist are
  // errors that name the near ones.
  static Result<std::shared_ptr<const Catalogue>> load(const std::string& directory,
                                                       const config::ServiceSettings& company);
  // The same from memory.
  static Result<std::shared_ptr<const Catalogue>> parse(std::string_view services,
                                                        std::string_view tools,
                                                        const config::ServiceSettings& company);
  ~Catalogue();

  // `host` in any case, with or without port. The most specific pattern decides; the company's own
  // hosts come before all others.
  [[nodiscard]] ServiceMatch match_host(std::string_view host) const noexcept;
  // Host, path with query, and tool id ("" when unknown) of a request; falls back to match_host.
  [[nodiscard]] ServiceMatch match_request(std::string_view host, std::string_view target,
                                           std::string_view tool) const noexcept;
  // Own networks classify (kHost); ranges of the catalogue only support (kAddress).
  [[nodiscard]] ServiceMatch match_address(const IpAddress& server) const noexcept;
  // Null when not known.
  [[nodiscard]] const Tool* tool_by_user_agent(std::string_view user_agent) const noexcept;
  [[nodiscard]] const Tool* tool_by_ja4(std::string_view ja4) const noexcept;

  // What stands behind the name of the tool in the user agent that names it: "2.1.330". Empty where
  // none does.
  [[nodiscard]] std::string_view tool_version(std::string_view user_agent) const noexcept;

  // Whether the tool's vendor names this host; nothing when the tool is unknown or its vendor names
  // none.
  [[nodiscard]] std::optional<bool> documents(std::string_view tool,
                                              std::string_view host) const noexcept;
  // Whether the vendor says openly that its service or tool gets this data: a class ("time_zone"),
  // or one field of it.
  [[nodiscard]] bool documents_data(std::string_view service, std::string_view tool,
                                    std::string_view data_class,
                                    std::string_view field) const noexcept;
  // The only tool whose vendor names this host; null when there is none, or more than one.
  [[nodiscard]] const Tool* documented_by(std::string_view host) const noexcept;
  // Whose fingerprint this tool has is in every browser too.
  [[nodiscard]] bool is_browser(std::string_view tool) const noexcept;
  // An agent or an AI vendor's program or library, not a browser or a plain HTTP client.
  [[nodiscard]] bool is_ai_client(std::string_view tool) const noexcept;
  // The vendor whose tenant restriction this header carries; empty when it is none.
  [[nodiscard]] std::string_view tenant_header_vendor(std::string_view name) const noexcept;

  // Whether an id is known: of a service, the company's own included, or of a tool.
  [[nodiscard]] bool has_service(std::string_view id) const noexcept;
  [[nodiscard]] bool has_tool(std::string_view id) const noexcept;
  [[nodiscard]] size_t services() const noexcept;
  [[nodiscard]] size_t host_patterns() const noexcept;

 private:
  struct Impl;
  static Result<std::shared_ptr<const Catalogue>> make(const config::YamlNode& services,
                                                       const std::string& services_file,
                                                       const config::YamlNode& tools,
                                                       const std::string& tools_file,
                                                       const config::ServiceSettings& company);
  explicit Catalogue(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::signatures
