// Which files of a folder are source code of its owner: walks it in a fixed order and says, for
// each file or folder that is left out, why. Links are not followed, so nothing outside is read.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace weir::signatures {

struct SourceFile {
  std::string path;  // relative, parts joined by '/'
  std::string absolute;
  uint64_t size = 0;
  bool foreign = false;  // in a folder of code of others; only with SourceRules::list_foreign
};

using SkipReport = std::function<void(const std::string& path, std::string_view why)>;

inline constexpr uint64_t kMaxSourceBytes = 8ULL << 20;

struct SourceRules {
  std::vector<std::string> exclude;  // globs over the paths of files and folders
  bool include_vendored = false;     // folders that hold foreign code by their names, too
  // Lists what stands in folders of others' code, marked. Not what tools build or install there:
  // that may be a copy of the owner's.
  bool list_foreign = false;
};

// Sorted by path. An error only when `directory` itself cannot be read. What version control keeps
// for itself (.git) is left out without a word.
Result<std::vector<SourceFile>> list_sources(const std::string& directory, const SkipReport& skip,
                                             const SourceRules& rules = {});

// True for settings, markup, build scripts and files without an ending: what they say is less a
// company's own.
[[nodiscard]] bool weak_name(std::string_view path) noexcept;

inline constexpr std::string_view kBinary = "binary";
// Why the content is not taken for source that someone wrote (binary, minified, generated); empty
// when it is.
[[nodiscard]] std::string_view unfit_content(std::string_view content) noexcept;

// The file's bytes, in `buffer`, which only grows; or nothing with the reason in `why`.
std::optional<std::string_view> read_source(const std::string& absolute, std::string& buffer,
                                            std::string& why);

// `*` and `?` within a path part, `**` across parts; a pattern without '/' is compared with the
// last part alone.
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view path) noexcept;

}  // namespace weir::signatures
