// Reads every file, sorts all fingerprints (outside of memory when they are many), and writes the
// table in one pass over the sorted ones. Where a fingerprint stands decides whether it is kept: in
// public code or in very many files it says nothing.
#include "signatures/fingerprint/index_builder.h"

#include <algorithm>
#include <utility>

#include "signatures/fingerprint/critical_lines.h"
#include "signatures/fingerprint/digests.h"
#include "signatures/fingerprint/file_fingerprints.h"
#include "signatures/fingerprint/index_format.h"
#include "signatures/fingerprint/index_writer.h"
#include "signatures/fingerprint/record_sorter.h"
#include "signatures/fingerprint/source_files.h"

namespace weir::signatures {
namespace {

// In more files than this, a fingerprint is taken for common; and of one file only the first few
// places are kept.
constexpr uint32_t kMostFiles = 16;
constexpr uint32_t kMostPlacesInFile = 2;
constexpr size_t kSkippedTold = 1000;
constexpr uint32_t kPublicFile = 0xffffffff;
constexpr uint64_t kMostLines = 0x7fffffff;

class Builder {
 public:
  Builder(const IndexBuildOptions& options, const SiteKey& key, const std::string& out,
          const std::function<void(const IndexProgress&)>& progress)
      : options_(options),
        key_(key),
        out_(out),
        progress_(progress),
        reader_(key),
        digest_maker_(key),
        sorter_(folder(), options.memory) {}

  Result<IndexBuildReport> run();

 private:
  struct Listed {
    uint32_t repository;
    std::vector<SourceFile> files;
  };
  struct Indexed {
    uint32_t repository;
    std::string path;
    uint32_t lines;
  };

  [[nodiscard]] std::string folder() const {
    const size_t slash = out_.rfind('/');
    return slash == std::string::npos ? "." : out_.substr(0, slash + 1);
  }
  void skip(const std::string& path, std::string_view why) {
    ++report_.skipped_count;
    if (report_.skipped.size() < kSkippedTold) {
      report_.skipped.push_back(path + ": " + std::string(why));
    }
  }
  std::optional<std::string> fit_content(const SourceFile& file, const std::string& name);
  Status read_repository(const Listed& listed);
  Status read_public(const std::string& directory);
  Status place(const FileFingerprints& found, uint32_t file);
  // All places of one fingerprint, in order.
  Status take_group(const std::vector<PlacedHash>& group, TableWriter& table);
  Status write(TableWriter& table);

  const IndexBuildOptions& options_;
  const SiteKey& key_;
  const std::string& out_;
  const std::function<void(const IndexProgress&)>& progress_;
  FileReader reader_;
  DigestMaker digest_maker_;
  DigestList digests_;
  RecordSorter sorter_;
  CriticalLines critical_;
  IndexBuildReport report_;
  IndexProgress done_;
  std::vector<Indexed> files_;
  std::vector<uint8_t> tags_;
  std::vector<uint32_t> first_lines_;  // of each file, global
};

std::optional<std::string> Builder::fit_content(const SourceFile& file, const std::string& name) {
  std::string why;
  std::optional<std::string> content = read_source(file.absolute, why);
  if (content && why.empty()) why = unfit_content(*content);
  ++done_.files_done;
  done_.bytes_done += file.size;
  if (progress_) progress_(done_);
  if (why.empty()) return content;
  skip(name, why);
  return std::nullopt;
}

Status Builder::place(const FileFingerprints& found, uint32_t file) {
  for (const FileFingerprints::Placed& one : found.placed) {
    if (Status put = sorter_.add({one.hash, file, one.line << 2 | one.rarity}); !put) return put;
  }
  return ok_status();
}

Status Builder::read_repository(const Listed& listed) {
  const std::string& repository = options_.repositories[listed.repository].name;
  FileFingerprints found;
  for (const SourceFile& file : listed.files) {
    const std::optional<std::string> content = fit_content(file, repository + "/" + file.path);
    if (!content) continue;
    const bool critical =
        std::any_of(options_.critical.begin(), options_.critical.end(),
                    [&file](const std::string& glob) { return glob_match(glob, file.path); });
    reader_.read(*content, critical, found);
    const auto number = static_cast<uint32_t>(files_.size());
    if (tags_.size() + found.tags.size() > kMostLines) {
      return Error{"more than 2^31 lines: split the repositories over several indexes", {}};
    }
    first_lines_.push_back(static_cast<uint32_t>(tags_.size()));
    files_.push_back({listed.repository, file.path, static_cast<uint32_t>(found.tags.size())});
    tags_.insert(tags_.end(), found.tags.begin(), found.tags.end());
    for (FileFingerprints::LongLine& line : found.critical) {
      critical_.add(line.hash, {number, line.line, line.distinctive, std::move(line.normalised)});
    }
    report_.bytes += content->size();
    report_.dropped_common += found.dropped;
    if (content->size() >= kDigestFileMin && !found.placed.empty()) {
      digests_.add(digest_maker_.of(as_bytes(*content)), number);
    }
    if (Status put = place(found, number); !put) return put;
  }
  return ok_status();
}

Status Builder::read_public(const std::string& directory) {
  // Vendored folders of public code are public too, but their names are the same everywhere.
  const Result<std::vector<SourceFile>> listed =
      list_sources(directory, [](const std::string&, std::string_view) {});
  if (!listed) return listed.error();
  FileFingerprints found;
  for (const SourceFile& file : *listed) {
    std::string why;
    const std::optional<std::string> content = read_source(file.absolute, why);
    if (!content || content->find('\0') != std::string::npos) continue;
    reader_.read(*content, false, found);
    if (content->size() >= kDigestFileMin) {
      digests_.add(digest_maker_.of(as_bytes(*content)), DigestList::kNoFile);
    }
    if (Status put = place(found, kPublicFile); !put) return put;
  }
  return ok_status();
}

Status Builder::take_group(const std::vector<PlacedHash>& group, TableWriter& table) {
  // kPublicFile sorts last.
  const bool is_public = group.back().file == kPublicFile;
  uint32_t files = 0;
  std::vector<uint32_t> lines;
  uint32_t in_file = 0;
  uint32_t rarity = 0;
  for (size_t i = 0; i < group.size() && group[i].file != kPublicFile; ++i) {
    if (i == 0 || group[i].file != group[i - 1].file) {
      ++files;
      in_file = 0;
    }
    rarity = std::max(rarity, group[i].place & kRarityMask);
    if (i > 0 && group[i] == group[i - 1]) continue;
    if (++in_file <= kMostPlacesInFile && files <= kMostFiles) {
      lines.push_back(first_lines_[group[i].file] + (group[i].place >> 2));
    }
  }
  if (files == 0) return ok_status();
  if (is_public || files > kMostFiles) {
    ++report_.dropped_common;
    return ok_status();
  }
  if (files == 1) critical_.mark_rare(group.front().hash);
  return table.add(group.front().hash, lines, files, rarity);
}

Status Builder::write(TableWriter& table) {
  Result<IndexWriter> opened = IndexWriter::create(out_);
  if (!opened) return opened.error();
  IndexWriter& out = opened.value();
  std::vector<uint8_t> names;
  std::vector<uint8_t> rows;
  const auto name = [&names](const std::string& text) {
    const auto at = static_cast<uint32_t>(names.size());
    names.insert(names.end(), text.begin(), text.end());
    return at;
  };
  for (const IndexSource& repository : options_.repositories) {
    put32(rows, name(repository.name));
    put32(rows, static_cast<uint32_t>(repository.name.size()));
  }
  if (Status done = out.section(Section::kRepositories, rows); !done) return done;
  rows.clear();
  for (size_t i = 0; i < files_.size(); ++i) {
    if (names.size() > 0x7fffffff) return Error{"too many file names for one index", {}};
    put32(rows, files_[i].repository);
    put32(rows, name(files_[i].path));
    put32(rows, static_cast<uint32_t>(files_[i].path.size()));
    put32(rows, first_lines_[i]);
    put32(rows, files_[i].lines);
    put32(rows, 0);
  }
  if (Status done = out.section(Section::kFiles, rows); !done) return done;
  if (Status done = out.section(Section::kNames, names); !done) return done;
  if (Status done = out.section(Section::kLineTags, tags_); !done) return done;
  if (Status done = table.finish(out); !done) return done;
  const Result<std::vector<uint8_t>> critical =
      critical_.section(first_lines_, report_.critical_lines);
  if (!critical) return critical.error();
  if (Status done = out.section(Section::kCritical, *critical); !done) return done;
  const std::vector<uint8_t> digests = digests_.section(kMostFiles);
  report_.digests = digests.size() / kDigestEntry;
  if (Status done = out.section(Section::kDigests, digests); !done) return done;
  out.header.key_check = key_check(key_);
  out.header.files = files_.size();
  out.header.lines = tags_.size();
  out.header.critical_lines = report_.critical_lines;
  out.header.window = kWindow;
  out.header.anchor_bits = kAnchorBits;
  return out.publish();
}

Result<IndexBuildReport> Builder::run() {
  std::vector<Listed> listed;
  for (uint32_t i = 0; i < options_.repositories.size(); ++i) {
    const IndexSource& source = options_.repositories[i];
    Result<std::vector<SourceFile>> files = list_sources(
        source.directory, [this, &source](const std::string& path, std::string_view why) {
          skip(source.name + "/" + path, why);
        });
    if (!files) return files.error();
    done_.files_total += files->size();
    listed.push_back({i, std::move(files).value()});
  }
  for (const Listed& one : listed) {
    if (Status read = read_repository(one); !read) return read.error();
  }
  for (const std::string& directory : options_.public_directories) {
    if (Status read = read_public(directory); !read) return read.error();
  }
  TableWriter table(folder());
  std::vector<PlacedHash> group;
  Status merged = sorter_.drain([&](const PlacedHash& record) -> Status {
    if (!group.empty() && group.front().hash != record.hash) {
      if (Status put = take_group(group, table); !put) return put;
      group.clear();
    }
    // Of a fingerprint in very many places the first suffice to see that; the last tells whether
    // it is public, and public ones sort last.
    if (group.size() > 4096)
      group.back() = record;
    else
      group.push_back(record);
    return ok_status();
  });
  if (merged && !group.empty()) merged = take_group(group, table);
  if (!merged) return merged.error();
  report_.files = files_.size();
  report_.lines = tags_.size();
  report_.fingerprints = table.size();
  if (Status written = write(table); !written) return written.error();
  return std::move(report_);
}

}  // namespace

Result<IndexBuildReport> build_index(const IndexBuildOptions& options, const SiteKey& key,
                                     const std::string& out,
                                     const std::function<void(const IndexProgress&)>& progress) {
  return Builder(options, key, out, progress).run();
}

}  // namespace weir::signatures
