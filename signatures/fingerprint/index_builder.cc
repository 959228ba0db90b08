// Reads every file, sorts all fingerprints (outside of memory when they are many), and writes the
// table in one pass over the sorted ones. Where a fingerprint stands decides whether it is kept: in
// public code or in very many files it says nothing.
#include "signatures/fingerprint/index_builder.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "signatures/fingerprint/critical_lines.h"
#include "signatures/fingerprint/delta_base.h"
#include "signatures/fingerprint/digests.h"
#include "signatures/fingerprint/index_cache.h"
#include "signatures/fingerprint/index_format.h"
#include "signatures/fingerprint/index_layers.h"
#include "signatures/fingerprint/index_writer.h"
#include "signatures/fingerprint/names_picker.h"
#include "signatures/fingerprint/record_partitions.h"
#include "signatures/fingerprint/source_files.h"
#include "signatures/fingerprint/source_scan.h"

namespace weir::signatures {
namespace {

// Of one file only the first few places of a fingerprint are kept.
constexpr uint32_t kMostPlacesInFile = 2;
constexpr size_t kSkippedTold = 1000;
constexpr uint64_t kMostLines = 0x7fffffff;

// The cache's records of files that did not change, under their new numbers.
class CachedRecords {
 public:
  // Records [at, end) of the cache, which may be null.
  CachedRecords(const IndexCache* cache, size_t at, size_t end,
                const std::vector<ScannedFile>& files)
      : cache_(cache), at_(at), end_(end) {
    if (cache == nullptr) return;
    numbers_.assign(cache->files(), kGone);
    for (uint32_t i = 0; i < files.size(); ++i) {
      if (files[i].cached != ScannedFile::kFresh) numbers_[files[i].cached] = i;
    }
    settle();
  }
  [[nodiscard]] bool there() const noexcept { return cache_ != nullptr && at_ < end_; }
  [[nodiscard]] const PlacedHash& now() const noexcept { return now_; }
  void next() {
    ++at_;
    settle();
  }

 private:
  static constexpr uint32_t kGone = 0xffffffff;
  void settle() {
    for (; there(); ++at_) {
      now_ = cache_->record(at_);
      if (now_.file >= numbers_.size() || numbers_[now_.file] == kGone) continue;
      now_.file = numbers_[now_.file];
      return;
    }
  }
  const IndexCache* cache_;
  std::vector<uint32_t> numbers_;
  size_t at_;
  size_t end_;
  PlacedHash now_;
};

// What merging asks of a file, for every fingerprint: small, so that many are at hand.
struct Where {
  enum class Kind : uint8_t { kOwn, kForeign, kPublic, kUnchanged };
  uint32_t first_line;  // global
  uint32_t repository;
  Kind kind;
};
Where::Kind kind_of(const ScannedFile& file) noexcept {
  if (file.unchanged) return Where::Kind::kUnchanged;
  if (file.is_public()) return Where::Kind::kPublic;
  return file.is_foreign() ? Where::Kind::kForeign : Where::Kind::kOwn;
}

// It stands in the index that is written.
bool is_taken(const ScannedFile& file) noexcept {
  return file.is_own() && file.why.empty() && !file.unchanged;
}

class Builder {
 public:
  Builder(const IndexBuildOptions& options, const SiteKey& key, const std::string& out,
          const std::function<void(const IndexProgress&)>& progress)
      : options_(options),
        hashes_only_(options.hashes_only || options.seal_names.has_value() ||
                     !options.delta_of.empty()),
        key_(key),
        out_(out),
        progress_(progress),
        threads_(std::max(1U, options.threads)),
        records_(folder(), options.memory / 4 * 3, threads_),
        names_(folder(), options.memory / 8, threads_) {}

  Result<IndexBuildReport> run();

 private:
  [[nodiscard]] std::string folder() const {
    const size_t slash = out_.rfind('/');
    return slash == std::string::npos ? "." : out_.substr(0, slash + 1);
  }
  void skip(const std::string& path, std::string_view why) {
    ++report_.skipped_count;
    ++report_.skipped_reasons[std::string(why)];
    if (report_.skipped.size() < kSkippedTold) {
      report_.skipped.push_back(path + ": " + std::string(why));
    }
  }
  Status list();
  void match_cache();
  // Numbers lines and files of what was scanned.
  Status number_files();
  // Calls take(record, alone) for the records of `fresh` and those of the cache in [at, end),
  // ascending; `alone`: no other has its hash, as far as that is seen at once.
  template <typename Take>
  Status merge_sorted(RecordPartitions& fresh, size_t at, size_t end, Take&& take);
  Status merge(TableWriter& table);
  Status merge_names(NamePicker& picker);
  Status write_files(IndexWriter& out);
  Status write();

  const IndexBuildOptions& options_;
  bool hashes_only_;
  const SiteKey& key_;
  const std::string& out_;
  const std::function<void(const IndexProgress&)>& progress_;
  uint32_t threads_;
  RecordPartitions records_;
  RecordPartitions names_;
  CriticalLines critical_;
  DigestList digests_;
  IndexBuildReport report_;
  std::vector<std::string> origins_;
  std::optional<IndexCache> cache_;
  std::optional<DeltaBase> below_;        // of a layer
  std::vector<ScannedFile> files_;        // public ones last, foreign ones among the others
  std::optional<IndexCacheWriter> keep_;  // the next cache
  std::vector<uint32_t> numbers_;         // of each of files_, in the index
  std::vector<uint32_t> first_lines_;     // of each of files_, global
  uint64_t lines_ = 0;
};

Status Builder::list() {
  SourceRules rules{options_.exclude, options_.include_vendored};
  const auto add = [&](const std::string& directory, uint32_t repository,
                       const SkipReport& told) -> Status {
    const bool is_public = repository == ScannedFile::kPublic;
    origins_.push_back(is_public ? "public " + directory
                                 : "repository " + options_.repositories[repository].name);
    rules.list_foreign = !is_public && options_.subtract_vendored;
    Result<std::vector<SourceFile>> listed = list_sources(directory, told, rules);
    if (!listed) return listed.error();
    for (SourceFile& source : listed.value()) {
      ScannedFile file;
      file.repository = repository;
      file.origin = static_cast<uint32_t>(origins_.size() - 1);
      file.wants_critical =
          !is_public && !source.foreign && !hashes_only_ &&
          std::any_of(options_.critical.begin(), options_.critical.end(),
                      [&](const std::string& glob) { return glob_match(glob, source.path); });
      file.wants_names = !hashes_only_ && (is_public || source.foreign || !weak_name(source.path));
      file.source = std::move(source);
      if (below_ && file.is_own()) {
        file.known_digest =
            below_->known_digest(options_.repositories[repository].name, file.source.path);
      }
      files_.push_back(std::move(file));
    }
    return ok_status();
  };
  for (uint32_t i = 0; i < options_.repositories.size(); ++i) {
    const IndexSource& source = options_.repositories[i];
    Status added = add(source.directory, i, [&](const std::string& path, std::string_view why) {
      skip(source.name + "/" + path, why);
    });
    if (!added) return added;
  }
  for (const std::string& directory : options_.public_directories) {
    Status added = add(directory, ScannedFile::kPublic, [](const std::string&, auto) {});
    if (!added) return added;
  }
  if (files_.size() >= kDigestFiles) {
    return Error{"too many files: split the repositories over several indexes", {}};
  }
  return ok_status();
}

// A file may be the same in the cache only where its order among the others is, too: then the
// cache's records are still sorted when files have their new numbers.
void Builder::match_cache() {
  Result<IndexCache> opened = IndexCache::open(out_ + ".cache", key_);
  if (!opened || !opened->check_records()) return;
  cache_.emplace(std::move(opened).value());
  uint32_t next = 0;
  for (ScannedFile& file : files_) {
    const uint32_t number = cache_->find(origins_[file.origin], file.source.path);
    if (number == IndexCache::kNone || number < next) continue;
    file.cached = number;
    next = number + 1;
  }
}

Status Builder::number_files() {
  const uint32_t first_file = below_ ? below_->files() : 0;
  lines_ = below_ ? below_->lines() : 0;
  const uint64_t first_line = lines_;
  uint32_t number = first_file;
  std::set<std::pair<uint32_t, uint64_t>> foreign;  // repository, first digest
  for (const ScannedFile& file : files_) {
    if (file.is_foreign() && file.has_digests) foreign.emplace(file.repository, file.digests[0]);
  }
  for (ScannedFile& file : files_) {
    first_lines_.push_back(static_cast<uint32_t>(lines_));
    numbers_.push_back(number);
    if (file.cached != ScannedFile::kFresh) ++report_.reused;
    if (file.is_public()) {
      if (file.has_digests) digests_.add(file.digests, DigestList::kNoFile);
      continue;
    }
    if (file.is_foreign()) continue;
    if (below_ && file.why.empty() && !file.unchanged) {
      file.unchanged = below_->same_lines(options_.repositories[file.repository].name, file);
    }
    if (file.unchanged) {
      below_->keep(options_.repositories[file.repository].name, file.source.path);
      ++report_.reused;
      continue;
    }
    if (!file.why.empty()) {
      skip(options_.repositories[file.repository].name + "/" + file.source.path, file.why);
      continue;
    }
    lines_ += file.tags.size();
    if (lines_ > kMostLines) {
      return Error{"more than 2^31 lines: split the repositories over several indexes", {}};
    }
    for (FileFingerprints::LongLine& line : file.critical) {
      critical_.add(line.hash, {static_cast<uint32_t>(first_lines_.size() - 1), line.line,
                                line.distinctive, line.normalised});
    }
    if (file.has_digests && foreign.count({file.repository, file.digests[0]}) == 0) {
      digests_.add(file.digests, number);
    }
    report_.bytes += file.bytes;
    report_.dropped_common += file.dropped;
    ++number;
  }
  report_.files = number - first_file;
  report_.lines = lines_ - first_line;
  if (below_) report_.hidden = below_->hidden().size();
  return ok_status();
}

template <typename Take>
Status Builder::merge_sorted(RecordPartitions& fresh, size_t at, size_t end, Take&& take) {
  CachedRecords cached(cache_ ? &*cache_ : nullptr, at, end, files_);
  const auto both = [&](const PlacedHash& record, bool alone = false) -> Status {
    if (keep_) {
      if (Status put = keep_->add(record); !put) return put;
    }
    return take(record, alone);
  };
  Status merged = fresh.drain(threads_, [&](std::span<const PlacedHash> records) -> Status {
    for (size_t i = 0; i < records.size(); ++i) {
      const PlacedHash& record = records[i];
      for (; cached.there() && cached.now() < record; cached.next()) {
        if (Status taken = both(cached.now()); !taken) return taken;
      }
      const bool alone = !cached.there() && i > 0 && i + 1 < records.size() &&
                         records[i - 1].hash != record.hash && records[i + 1].hash != record.hash;
      if (Status taken = both(record, alone); !taken) return taken;
    }
    return ok_status();
  });
  for (; merged && cached.there(); cached.next()) merged = both(cached.now());
  return merged;
}

// All places of one fingerprint, as they come in order of files and lines.
Status Builder::merge(TableWriter& table) {
  PlacedHash last;
  bool open = false;
  bool is_public = false;
  uint32_t files = 0;
  uint32_t in_file = 0;
  uint32_t rarity = 0;
  std::vector<uint32_t> lines;
  std::vector<uint32_t> in_files;      // of each of `lines`
  std::vector<uint32_t> foreign_from;  // repositories that have it in a folder of others' code
  std::vector<Where> where;
  for (size_t i = 0; i < files_.size(); ++i) {
    where.push_back({first_lines_[i], files_[i].repository, kind_of(files_[i])});
  }
  const auto subtract_foreign = [&] {
    size_t kept = 0;
    files = 0;
    for (size_t i = 0; i < lines.size(); ++i) {
      const uint32_t repository = where[in_files[i]].repository;
      if (std::find(foreign_from.begin(), foreign_from.end(), repository) != foreign_from.end()) {
        continue;
      }
      files += kept == 0 || in_files[kept - 1] != in_files[i] ? 1 : 0;
      in_files[kept] = in_files[i];
      lines[kept++] = lines[i];
    }
    lines.resize(kept);
    report_.dropped_common += kept == 0 ? 1 : 0;
  };
  const auto finish = [&]() -> Status {
    if (!open || files == 0) return ok_status();
    if (!foreign_from.empty() && !is_public && files <= kMostFiles) {
      subtract_foreign();
      if (files == 0) return ok_status();
    }
    if (is_public || files > kMostFiles) {
      ++report_.dropped_common;
      return ok_status();
    }
    if (files == 1) critical_.mark_rare(last.hash);
    if (below_) {
      files += below_->add_places(last.hash, lines, rarity);
      if (files > kMostFiles) {
        ++report_.dropped_common;
        return ok_status();
      }
    }
    return table.add(last.hash, lines, files, rarity);
  };
  const auto take = [&](const PlacedHash& record, bool alone) -> Status {
    const Where from = where[record.file];
    if (alone && from.kind == Where::Kind::kOwn && !below_) {  // as most are
      if (Status done = finish(); !done) return done;
      open = false;
      critical_.mark_rare(record.hash);
      const uint32_t line = from.first_line + (record.place >> kRarityBits);
      return table.add(record.hash, {&line, 1}, 1, record.place & kRarityMask);
    }
    if (from.kind == Where::Kind::kUnchanged) return ok_status();
    const bool fresh = !open || record.hash != last.hash;
    if (fresh) {
      if (Status done = finish(); !done) return done;
      open = true;
      is_public = false;
      files = 0;
      rarity = 0;
      lines.clear();
      in_files.clear();
      foreign_from.clear();
    } else if (record == last) {
      return ok_status();
    }
    const bool other_file = fresh || record.file != last.file;
    last = record;
    if (from.kind == Where::Kind::kPublic) {
      is_public = true;
      return ok_status();
    }
    if (from.kind == Where::Kind::kForeign) {
      foreign_from.push_back(from.repository);
      return ok_status();
    }
    if (other_file) {
      ++files;
      in_file = 0;
    }
    rarity = std::max(rarity, record.place & kRarityMask);
    if (++in_file <= kMostPlacesInFile && files <= kMostFiles) {
      lines.push_back(from.first_line + (record.place >> kRarityBits));
      in_files.push_back(record.file);
    }
    return ok_status();
  };
  Status merged = merge_sorted(records_, 0, cache_ ? cache_->names_at() : 0, take);
  if (keep_) keep_->begin_names();
  return merged ? finish() : merged;
}

Status Builder::merge_names(NamePicker& picker) {
  return merge_sorted(names_, cache_ ? cache_->names_at() : 0, cache_ ? cache_->records() : 0,
                      [&picker](const PlacedHash& record, bool) {
                        picker.take(record);
                        return ok_status();
                      });
}

Status Builder::write_files(IndexWriter& out) {
  std::vector<uint8_t> names;
  std::vector<uint8_t> rows;
  SealedNames sealed;
  const auto name = [&](std::string text) {
    if (options_.seal_names) text = sealed.add(key_, text);
    const auto at = static_cast<uint32_t>(names.size());
    names.insert(names.end(), text.begin(), text.end());
    put32(rows, at);
    put32(rows, static_cast<uint32_t>(text.size()));
  };
  for (const IndexSource& repository : options_.repositories) name(repository.name);
  if (Status done = out.section(Section::kRepositories, rows); !done) return done;
  rows.clear();
  for (size_t i = 0; i < files_.size(); ++i) {
    const ScannedFile& file = files_[i];
    if (!is_taken(file)) continue;
    if (names.size() > 0x7fffffff) return Error{"too many file names for one index", {}};
    put32(rows, file.repository);
    name(file.source.path);
    put32(rows, first_lines_[i]);
    put32(rows, static_cast<uint32_t>(file.tags.size()));
    put32(rows, 0);
  }
  if (Status done = out.section(Section::kFiles, rows); !done) return done;
  if (Status done = out.section(Section::kNames, names); !done) return done;
  if (options_.seal_names) {
    const Result<std::vector<uint8_t>> section = sealed.section(*options_.seal_names);
    if (!section) return section.error();
    if (Status done = out.section(Section::kSealedNames, *section); !done) return done;
  }
  if (Status done = out.begin_section(Section::kLineTags); !done) return done;
  for (const ScannedFile& file : files_) {
    if (!is_taken(file)) continue;
    if (Status done = out.write(file.tags); !done) return done;
  }
  out.end_section();
  if (Status done = out.begin_section(Section::kLineShapes); !done) return done;
  for (const ScannedFile& file : files_) {
    if (!is_taken(file)) continue;
    if (Status done = out.write(file.shapes); !done) return done;
  }
  out.end_section();
  return ok_status();
}

Status Builder::write() {
  Result<IndexWriter> opened = IndexWriter::create(out_);
  if (!opened) return opened.error();
  IndexWriter& out = opened.value();
  if (Status done = write_files(out); !done) return done;
  {
    TableWriter table(out, folder(), options_.memory / 8);
    if (Status done = merge(table); !done) return done;
    report_.fingerprints = table.size();
    if (Status done = table.finish(); !done) return done;
  }
  const Result<std::vector<uint8_t>> critical =
      critical_.section(first_lines_, report_.critical_lines);
  if (!critical) return critical.error();
  if (Status done = out.section(Section::kCritical, *critical); !done) return done;
  if (!hashes_only_) {
    NamePicker picker(files_, options_.repositories.size(),
                      kCriticalBudget - static_cast<size_t>(report_.critical_lines));
    if (Status done = merge_names(picker); !done) return done;
    const std::vector<DistinctName> picked = picker.pick(key_, numbers_);
    const Result<std::vector<uint8_t>> section = names_section(picked);
    if (!section) return section.error();
    if (Status done = out.section(Section::kDistinctNames, *section); !done) return done;
    report_.names = picked.size();
  }
  const std::vector<uint8_t> digests = digests_.section(kMostFiles);
  report_.digests = digests.size() / kDigestEntry;
  if (Status done = out.section(Section::kDigests, digests); !done) return done;
  out.header.key_check = key_check(key_);
  out.header.files = report_.files;
  out.header.lines = report_.lines;
  out.header.critical_lines = report_.critical_lines;
  out.header.window = kWindow;
  out.header.anchor_bits = kAnchorBits;
  if (below_) {
    if (Status done = out.section(Section::kLayer, below_->place().encode()); !done) return done;
  }
  if (Status done = out.publish(); !done) return done;
  if (!below_) remove_layers(out_);
  if (!keep_) return ok_status();
  cache_.reset();
  return keep_->publish(files_, origins_, key_);
}

Result<IndexBuildReport> Builder::run() {
  if (!options_.delta_of.empty()) {
    Result<DeltaBase> below = DeltaBase::open(options_, key_, out_);
    if (!below) return below.error();
    below_.emplace(std::move(below).value());
  }
  if (Status done = list(); !done) return done.error();
  if (options_.incremental) match_cache();
  if (options_.incremental) {
    Result<IndexCacheWriter> created = IndexCacheWriter::create(out_ + ".cache");
    if (!created) return created.error();
    keep_.emplace(std::move(created).value());
  }
  if (Status done = scan_files(files_, key_, threads_, records_, names_,
                               cache_ ? &*cache_ : nullptr, options_.incremental, progress_);
      !done) {
    return done.error();
  }
  if (Status done = number_files(); !done) return done.error();
  if (below_ && report_.files == 0 && report_.hidden == 0) return std::move(report_);
  if (Status done = write(); !done) return done.error();
  return std::move(report_);
}

}  // namespace

Result<IndexBuildReport> build_index(const IndexBuildOptions& options, const SiteKey& key,
                                     const std::string& out,
                                     const std::function<void(const IndexProgress&)>& progress) {
  return Builder(options, key, out, progress).run();
}

}  // namespace weir::signatures
