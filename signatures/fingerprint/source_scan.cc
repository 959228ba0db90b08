#include "signatures/fingerprint/source_scan.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "signatures/fingerprint/index_cache.h"
#include "signatures/fingerprint/names_reader.h"

namespace weir::signatures {
namespace {

constexpr size_t kBatch = 8;  // files taken at once

class Scan {
 public:
  Scan(std::vector<ScannedFile>& files, const SiteKey& key, RecordPartitions& records,
       RecordPartitions& names, const IndexCache* cache, bool keep_content_hash,
       const std::function<void(const IndexProgress&)>& progress)
      : files_(files),
        key_(key),
        records_(records),
        names_(names),
        cache_(cache),
        keep_content_hash_(keep_content_hash),
        progress_(progress) {
    for (const ScannedFile& file : files) bytes_total_ += file.source.size;
  }

  Status run(uint32_t threads) {
    std::vector<std::thread> others;
    std::vector<Status> statuses(threads, ok_status());
    for (uint32_t i = 1; i < threads; ++i) {
      others.emplace_back([this, i, &statuses] { statuses[i] = work(i); });
    }
    statuses[0] = work(0);
    for (std::thread& one : others) one.join();
    report();
    for (Status& status : statuses) {
      if (!status) return status;
    }
    return ok_status();
  }

 private:
  void report() const {
    if (!progress_) return;
    IndexProgress now;
    now.files_total = files_.size();
    now.files_done = files_done_.load(std::memory_order_relaxed);
    now.bytes_total = bytes_total_;
    now.bytes_done = bytes_done_.load(std::memory_order_relaxed);
    progress_(now);
  }

  Status work(uint32_t writer) {
    Tools tools(key_);
    while (!stop_.load(std::memory_order_relaxed)) {
      const size_t first = next_.fetch_add(kBatch, std::memory_order_relaxed);
      if (first >= files_.size()) break;
      const size_t last = std::min(first + kBatch, files_.size());
      for (size_t i = first; i < last; ++i) {
        Status done = read(i, writer, tools);
        files_done_.fetch_add(1, std::memory_order_relaxed);
        bytes_done_.fetch_add(files_[i].source.size, std::memory_order_relaxed);
        if (!done) {
          stop_.store(true, std::memory_order_relaxed);
          return done;
        }
        if (writer == 0) report();
      }
    }
    return ok_status();
  }

  struct Tools {
    explicit Tools(const SiteKey& key) : reader(key), digests(key), name_reader(key) {}
    FileReader reader;
    DigestMaker digests;
    NameReader name_reader;
    std::string content;  // of the file at hand
    FileFingerprints found;
    std::vector<NameReader::Name> names;
  };

  Status read(size_t number, uint32_t writer, Tools& tools) {
    ScannedFile& file = files_[number];
    const std::optional<std::string_view> content =
        read_source(file.source.absolute, tools.content, file.why);
    if (!content) {
      file.cached = ScannedFile::kFresh;
      return ok_status();
    }
    const std::string_view unfit = unfit_content(*content);
    if (!unfit.empty() && (file.is_own() || unfit == kBinary)) {
      file.why = unfit;
      file.cached = ScannedFile::kFresh;
      return ok_status();
    }
    if (keep_content_hash_) file.content = content_hash(key_, *content);
    if (file.cached != ScannedFile::kFresh && reuse(file)) return ok_status();
    file.cached = ScannedFile::kFresh;
    if (file.known_digest != 0) {
      file.digests = tools.digests.of(as_bytes(*content));
      file.unchanged = file.digests[0] == file.known_digest;
      if (file.unchanged) return ok_status();
    }
    FileFingerprints& found = tools.found;
    tools.reader.read(*content, file.wants_critical, file.is_own() && weak_name(file.source.path),
                      found);
    file.bytes = content->size();
    file.dropped = found.dropped;
    if (file.is_own()) {
      file.tags = found.tags;
      file.shapes = found.shapes;
    }
    file.critical = std::move(found.critical);
    if (content->size() >= kDigestFileMin && !found.placed.empty()) {
      file.has_digests = true;
      if (file.known_digest == 0) file.digests = tools.digests.of(as_bytes(*content));
    }
    const auto id = static_cast<uint32_t>(number);
    const Status put = records_.add_each(writer, found.placed.size(), [&](size_t i) {
      const FileFingerprints::Placed& one = found.placed[i];
      return PlacedHash{one.hash, id, one.line << kRarityBits | one.rarity};
    });
    if (!put) return put;
    return file.wants_names ? add_names(*content, id, writer, tools) : ok_status();
  }

  Status add_names(std::string_view content, uint32_t id, uint32_t writer, Tools& tools) {
    tools.name_reader.read(content, tools.names);
    return names_.add_each(writer, tools.names.size(), [&](size_t i) {
      return PlacedHash{tools.names[i].hash, id, tools.names[i].place};
    });
  }

  bool reuse(ScannedFile& file) const {
    const ScannedFile& known = cache_->file(file.cached);
    if (known.is_foreign() != file.is_foreign() || known.content != file.content ||
        known.wants_critical != file.wants_critical || known.wants_names != file.wants_names) {
      return false;
    }
    file.bytes = known.bytes;
    file.dropped = known.dropped;
    file.tags = known.tags;
    file.shapes = known.shapes;
    file.has_digests = known.has_digests;
    file.digests = known.digests;
    file.critical = known.critical;
    return true;
  }

  std::vector<ScannedFile>& files_;
  const SiteKey& key_;
  RecordPartitions& records_;
  RecordPartitions& names_;
  const IndexCache* cache_;
  bool keep_content_hash_;
  const std::function<void(const IndexProgress&)>& progress_;
  std::atomic<size_t> next_{0};
  std::atomic<uint64_t> files_done_{0};
  std::atomic<uint64_t> bytes_done_{0};
  uint64_t bytes_total_ = 0;
  std::atomic<bool> stop_{false};
};

}  // namespace

Status scan_files(std::vector<ScannedFile>& files, const SiteKey& key, uint32_t threads,
                  RecordPartitions& records, RecordPartitions& names, const IndexCache* cache,
                  bool keep_content_hash,
                  const std::function<void(const IndexProgress&)>& progress) {
  return Scan(files, key, records, names, cache, keep_content_hash, progress)
      .run(std::max(1U, threads));
}

}  // namespace weir::signatures
