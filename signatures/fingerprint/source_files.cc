#include "signatures/fingerprint/source_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace weir::signatures {
namespace {

namespace fs = std::filesystem;

// Where code of others lives by convention, and what tools leave behind.
constexpr std::array<std::string_view, 21> kForeignFolders{
    "node_modules",  "bower_components", "vendor",        "vendored", "_vendor",     "third_party",
    "third-party",   "thirdparty",       "3rdparty",      "external", "externals",   "deps",
    "Pods",          "Carthage",         "site-packages", "venv",     "__pycache__", "target",
    "jspm_packages", "CMakeFiles",       "Godeps"};
// Of these, what tools fill: copies of the owner's code may be there, too.
constexpr std::array<std::string_view, 5> kFilledByTools{"site-packages", "venv", "__pycache__",
                                                         "target", "CMakeFiles"};
constexpr std::array<std::string_view, 9> kLockFiles{
    "package-lock.json", "npm-shrinkwrap.json", "yarn.lock",     "pnpm-lock.yaml", "go.sum",
    "Cargo.lock",        "poetry.lock",         "composer.lock", "Gemfile.lock"};
// Build manifests and settings of services: the same keys and names in everyone's projects.
constexpr std::array<std::string_view, 29> kManifests{
    "package.json",   "pom.xml",        "bower.json",    "component.json", "composer.json",
    "tslint.json",    "tsconfig.json",  ".travis.yml",   ".gitlab-ci.yml", ".eslintrc",
    ".eslintrc.json", ".eslintrc.yml",  ".editorconfig", ".gitignore",     ".gitattributes",
    ".clang-format",  "appveyor.yml",   ".appveyor.yml", ".golangci.yml",  "Cargo.toml",
    "pyproject.toml", "setup.cfg",      "tox.ini",       "go.mod",         "Doxyfile",
    "Doxyfile.in",    "checkstyle.xml", "codecov.yml",   ".codecov.yml"};
// What autotools and the like put into a source tree.
constexpr std::array<std::string_view, 22> kBuildTools{
    "config.guess", "config.sub",  "config.rpath", "install-sh",  "ltmain.sh",     "depcomp",
    "missing",      "compile",     "ylwrap",       "test-driver", "mkinstalldirs", "mdate-sh",
    "py-compile",   "libtool.m4",  "ltoptions.m4", "ltsugar.m4",  "ltversion.m4",  "lt~obsolete.m4",
    "aclocal.m4",   "Makefile.in", "configure",    "texinfo.tex"};
// What is written about code is not code: others say the same in the same words.
constexpr std::array<std::string_view, 28> kDocumentEndings{
    ".md",  ".markdown", ".rst", ".txt",  ".adoc",    ".asciidoc", ".tex", ".texi", ".pod", ".log",
    ".dox", ".csv",      ".tsv", ".1",    ".2",       ".3",        ".4",   ".5",    ".6",   ".7",
    ".8",   ".eml",      ".rtf", ".sgml", ".docbook", ".org",      ".man", ".diff"};
constexpr std::array<std::string_view, 12> kDocumentNames{
    "README",  "ChangeLog", "CHANGELOG", "CHANGES", "NEWS",    "AUTHORS",
    "INSTALL", "THANKS",    "TODO",      "HACKING", "HISTORY", "CONTRIBUTORS"};
// What development environments write about a project.
constexpr std::array<std::string_view, 21> kProjectEndings{
    ".project", ".classpath", ".config",  ".csproj", ".vbproj",  ".fsproj", ".vcproj",
    ".vcxproj", ".dsp",       ".dsw",     ".sln",    ".filters", ".props",  ".targets",
    ".nuspec",  ".resx",      ".pbxproj", ".iml",    ".suo",     ".build",  ".plist"};
// Settings, markup and build scripts.
constexpr std::array<std::string_view, 20> kWeakEndings{
    ".json", ".xml", ".yml", ".yaml", ".toml", ".ini", ".cfg",   ".conf", ".properties", ".html",
    ".htm",  ".css", ".m4",  ".am",   ".ac",   ".in",  ".cmake", ".mk",   ".rules",      ".xsd"};
constexpr std::array<std::string_view, 6> kLicenceNames{"LICENSE", "LICENCE",   "COPYING",
                                                        "NOTICE",  "COPYRIGHT", "UNLICENSE"};
constexpr std::array<std::string_view, 10> kUnfitEndings{
    ".min.js", ".min.css", ".map", ".svg", ".pb.go", ".pb.cc", ".pb.h", "_pb2.py", ".po", ".lock"};

template <size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view name) noexcept {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool has_ending(std::string_view name, std::string_view ending) noexcept {
  return name.size() > ending.size() && name.substr(name.size() - ending.size()) == ending;
}

// "license.html", "epl-v20", but not "license_check.py".
bool names_licence(std::string_view name) {
  if (!weak_name(name)) return false;
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  for (const std::string_view part : {"license", "licence", "copying", "copyright"}) {
    if (lower.find(part) != std::string::npos) return true;
  }
  for (const std::string_view begin : {"gpl-", "lgpl-", "agpl-", "epl-", "edl-", "mpl-", "bsd-"}) {
    if (lower.rfind(begin, 0) == 0) return true;
  }
  return false;
}

std::string_view unfit_name(std::string_view name) {
  if (std::find(kLockFiles.begin(), kLockFiles.end(), name) != kLockFiles.end()) {
    return "lock file";
  }
  if (std::find(kManifests.begin(), kManifests.end(), name) != kManifests.end()) {
    return "manifest or settings of a tool";
  }
  if (std::find(kBuildTools.begin(), kBuildTools.end(), name) != kBuildTools.end()) {
    return "file of a build tool";
  }
  for (const std::string_view licence : kLicenceNames) {
    if (name.substr(0, licence.size()) == licence) return "licence text";
  }
  if (names_licence(name)) return "licence text";
  for (const std::string_view ending : kUnfitEndings) {
    if (has_ending(name, ending)) return "generated or packed file";
  }
  for (const std::string_view ending : kProjectEndings) {
    if (has_ending(name, ending)) return "manifest or settings of a tool";
  }
  if (name == "CMakeLists.txt") return {};
  for (const std::string_view ending : kDocumentEndings) {
    if (has_ending(name, ending)) return "document";
  }
  for (const std::string_view document : kDocumentNames) {
    if (name == document) return "document";
  }
  if (name.substr(0, 5) == "mime.") return "manifest or settings of a tool";
  return {};
}

}  // namespace

Result<std::vector<SourceFile>> list_sources(const std::string& directory, const SkipReport& told,
                                             const SourceRules& rules) {
  std::error_code code;
  if (!fs::is_directory(directory, code)) {
    return Error{code ? code.message() : "not a folder", directory};
  }
  std::vector<SourceFile> files;
  bool quiet = false;  // the folder was reported as a whole
  const auto skip = [&told, &quiet](const std::string& path, std::string_view why) {
    if (!quiet) told(path, why);
  };
  struct Folder {
    std::string path;  // relative, with a '/' behind
    bool foreign;
  };
  std::vector<Folder> folders{{"", false}};  // still to be read
  while (!folders.empty()) {
    const std::string folder = std::move(folders.back().path);
    const bool foreign = folders.back().foreign;
    quiet = foreign;
    folders.pop_back();
    fs::directory_iterator entry(fs::path(directory) / folder, code);
    if (code) {
      if (folder.empty()) return Error{code.message(), directory};
      skip(folder, "unreadable: " + code.message());
      continue;
    }
    for (; entry != fs::directory_iterator(); entry.increment(code)) {
      const std::string name = entry->path().filename().string();
      const std::string path = folder + name;
      if (name == ".git" || name == ".hg" || name == ".svn") continue;
      if (std::any_of(rules.exclude.begin(), rules.exclude.end(),
                      [&path](const std::string& glob) { return glob_match(glob, path); })) {
        skip(path, "excluded");
        continue;
      }
      // What the folder itself says of the kind of its entries saves looking at each.
      const bool link = entry->is_symlink(code);
      const bool is_folder = !code && !link && entry->is_directory(code);
      if (code) {
        skip(path, "unreadable: " + code.message());
      } else if (link) {
        skip(path, "symbolic link");
      } else if (is_folder) {
        if (name == ".github") {
          skip(path, "manifest or settings of a tool");
          continue;
        }
        const bool others = !rules.include_vendored && is_one_of(kForeignFolders, name);
        if (others && !foreign) skip(path, "folder of foreign code by its name");
        if (!others || (rules.list_foreign && !is_one_of(kFilledByTools, name))) {
          folders.push_back({path + "/", foreign || others});
        }
      } else if (!entry->is_regular_file(code)) {
        skip(path, "not a regular file");
      } else if (const std::string_view why = unfit_name(name); !why.empty()) {
        skip(path, why);
      } else {
        const uint64_t size = entry->file_size(code);
        if (code) {
          skip(path, "unreadable: " + code.message());
        } else if (size > kMaxSourceBytes) {
          skip(path, "larger than 8 MiB");
        } else if (size > 0) {
          files.push_back({path, entry->path().string(), size, foreign});
        }
      }
    }
    if (code) skip(folder, "unreadable: " + code.message());
  }
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return files;
}

bool weak_name(std::string_view path) noexcept {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  if (name.find('.', 1) == std::string_view::npos || name == "CMakeLists.txt") return true;
  return std::any_of(kWeakEndings.begin(), kWeakEndings.end(),
                     [name](std::string_view ending) { return has_ending(name, ending); });
}

std::string_view unfit_content(std::string_view content) noexcept {
  if (content.find('\0') != std::string_view::npos) return kBinary;
  const auto lines = 1 + static_cast<size_t>(std::count(content.begin(), content.end(), '\n'));
  if (content.size() > 2000 && content.size() / lines > 300) return "minified: very long lines";
  const std::string_view head = content.substr(0, 2000);
  for (const std::string_view mark : {"Code generated by", "@generated", "DO NOT EDIT"}) {
    if (head.find(mark) != std::string_view::npos) return "generated, as its head says";
  }
  return {};
}

std::optional<std::string_view> read_source(const std::string& absolute, std::string& buffer,
                                            std::string& why) {
  const int fd = ::open(absolute.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) {
    why = std::string("unreadable: ") + std::strerror(errno);
    return std::nullopt;
  }
  struct stat about {};
  size_t wanted = 0;
  if (::fstat(fd, &about) == 0 && S_ISREG(about.st_mode)) {
    // It may grow while it is read: no more than the limit is taken.
    wanted = std::min<uint64_t>(static_cast<uint64_t>(about.st_size), kMaxSourceBytes);
  }
  if (buffer.size() < wanted) buffer.resize(wanted);
  size_t have = 0;
  while (have < wanted) {
    const ssize_t got = ::read(fd, buffer.data() + have, wanted - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) why = std::string("unreadable: ") + std::strerror(errno);
    if (got <= 0) break;
    have += static_cast<size_t>(got);
  }
  ::close(fd);
  if (!why.empty()) return std::nullopt;
  return std::string_view(buffer).substr(0, have);
}

namespace {

// Classic two-pointer matching, with one place to go back to for `*` and one for `**`.
bool match_parts(std::string_view pattern, std::string_view text) noexcept {
  constexpr size_t kNone = std::string_view::npos;
  size_t p = 0;
  size_t t = 0;
  size_t star = kNone, star_text = 0, deep = kNone, deep_text = 0;
  while (t < text.size() || p < pattern.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      if (p + 1 < pattern.size() && pattern[p + 1] == '*') {
        p += 2;
        if (p < pattern.size() && pattern[p] == '/') ++p;  // "**/" matches nothing, too
        deep = p;
        deep_text = t;
        star = kNone;
        continue;
      }
      star = ++p;
      star_text = t;
      continue;
    }
    if (p < pattern.size() && t < text.size() &&
        (pattern[p] == text[t] || (pattern[p] == '?' && text[t] != '/'))) {
      ++p;
      ++t;
      continue;
    }
    if (star != kNone && star_text < text.size() && text[star_text] != '/') {
      p = star;
      t = ++star_text;
      continue;
    }
    if (deep != kNone && deep_text < text.size()) {
      p = deep;
      t = ++deep_text;
      star = kNone;
      continue;
    }
    return false;
  }
  return true;
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view path) noexcept {
  if (pattern.find('/') == std::string_view::npos && pattern != "**") {
    const size_t slash = path.rfind('/');
    return match_parts(pattern, slash == std::string_view::npos ? path : path.substr(slash + 1));
  }
  return match_parts(pattern, path);
}

}  // namespace weir::signatures
