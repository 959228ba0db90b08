#include "signatures/fingerprint/index_merge.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "core/byte_reader.h"
#include "signatures/fingerprint/code_index.h"
#include "signatures/fingerprint/critical_lines.h"
#include "signatures/fingerprint/digests.h"
#include "signatures/fingerprint/file_mapping.h"
#include "signatures/fingerprint/index_builder.h"
#include "signatures/fingerprint/index_format.h"
#include "signatures/fingerprint/index_layers.h"
#include "signatures/fingerprint/index_writer.h"
#include "signatures/fingerprint/names_picker.h"
#include "signatures/fingerprint/names_reader.h"

namespace weir::signatures {
namespace {

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

struct Input {
  explicit Input(FileMapping m) : mapping(std::move(m)) {}
  [[nodiscard]] ByteSpan section(Section which) const noexcept {
    const SectionPlace& place = header.place(which);
    return mapping.bytes().subspan(place.offset, place.size);  // decode() checked both
  }
  FileMapping mapping;
  IndexHeader header;
  // What was before this one in the merged index.
  uint32_t lines = 0;
  uint32_t files = 0;
  uint32_t repositories = 0;
};

// The fingerprints of one index, ascending.
class Entries {
 public:
  explicit Entries(const Input& input)
      : input_(&input),
        buckets_(input.section(Section::kBuckets)),
        entries_(input.section(Section::kEntries)),
        tails_(input.section(Section::kHashTails)),
        postings_(input.section(Section::kPostings)) {
    settle();
  }
  [[nodiscard]] bool there() const noexcept { return at_ < input_->header.fingerprints; }
  [[nodiscard]] uint64_t hash() const noexcept { return hash_; }
  [[nodiscard]] uint32_t rarity() const noexcept {
    return read32(entries_.data() + at_ * kEntryBytes) & kRarityMask;
  }
  void next() noexcept {
    ++at_;
    settle();
  }
  // Appends the lines as the merged index numbers them; returns in how many files they stand, 0
  // for a damaged posting.
  uint32_t lines(std::vector<uint32_t>& out) const {
    const uint32_t posting = read32(entries_.data() + at_ * kEntryBytes + 4);
    if ((posting & kManyPostings) == 0) {
      out.push_back(posting + input_->lines);
      return 1;
    }
    const uint64_t at = uint64_t{4} * (posting & ~kManyPostings);
    if (at + 4 > postings_.size()) return 0;
    const uint32_t head = read32(postings_.data() + at);
    const uint32_t count = head & 0xffff;
    if (uint64_t{4} * count > postings_.size() - at - 4) return 0;
    for (uint32_t i = 1; i <= count; ++i) {
      out.push_back(read32(postings_.data() + at + 4 * uint64_t{i}) + input_->lines);
    }
    return std::max(1U, head >> 16);
  }

 private:
  void settle() noexcept {
    if (!there()) return;
    const uint32_t bits = input_->header.bucket_bits;
    const uint64_t buckets = uint64_t{1} << bits;
    while (bucket_ + 1 < buckets && read32(buckets_.data() + 4 * (bucket_ + 1)) <= at_) ++bucket_;
    const size_t bytes = tail_bytes(bits);
    uint64_t hash = read32(entries_.data() + at_ * kEntryBytes) & ~kRarityMask;
    for (size_t i = 0; i < bytes; ++i) {
      hash |= uint64_t{tails_[at_ * bytes + i]} << (32 + 8 * i);
    }
    if (bits > 0) hash |= bucket_ << (64 - bits);
    hash_ = hash;
  }
  const Input* input_;
  ByteSpan buckets_, entries_, tails_, postings_;
  uint64_t at_ = 0;
  uint64_t bucket_ = 0;
  uint64_t hash_ = 0;
};

class Merge {
 public:
  explicit Merge(const std::string& out) : out_(out) {}
  Result<IndexMergeReport> run(const std::vector<std::string>& paths);

 private:
  Status open(const std::vector<std::string>& paths);
  Status merge_entries(TableWriter& table);
  Status write_files(IndexWriter& out);
  Result<std::vector<uint8_t>> critical();
  Result<std::vector<uint8_t>> names();
  std::vector<uint8_t> digests();

  const std::string& out_;
  std::vector<Input> inputs_;
  IndexMergeReport report_;
};

Status Merge::open(const std::vector<std::string>& paths) {
  uint64_t names = 0;
  for (const std::string& path : paths) {
    if (Status sound = CodeIndex::verify(path); !sound) return sound;
    Result<FileMapping> mapping = FileMapping::open(path);
    if (!mapping) return mapping.error();
    Input& input = inputs_.emplace_back(std::move(mapping).value());
    const ByteSpan file = input.mapping.bytes();
    const Result<IndexHeader> header = IndexHeader::decode(file, file.size());
    if (!header) return Error{header.error().message, path};
    input.header = *header;
    const Result<uint32_t> layers = count_layers(path);
    if (!layers || *layers > 0 || header->is_layer()) {
      return Error{"delta layers are not merged: build the index anew, which takes them in", path};
    }
    if (header->key_check != inputs_.front().header.key_check) {
      return Error{"index was made with another site key than " + paths.front(), path};
    }
    if (header->fingerprints > 0 && input.section(Section::kHashTails).empty()) {
      return Error{"index does not hold what merging needs: build it anew", path};
    }
    input.lines = static_cast<uint32_t>(report_.lines);
    input.files = static_cast<uint32_t>(report_.files);
    if (inputs_.size() > 1) {
      const Input& before = inputs_[inputs_.size() - 2];
      input.repositories = before.repositories +
                           static_cast<uint32_t>(before.section(Section::kRepositories).size() / 8);
    }
    report_.lines += header->lines;
    report_.files += header->files;
    names += input.section(Section::kNames).size();
    if (report_.lines > 0x7fffffff || report_.files >= kDigestFiles || names > 0x7fffffff) {
      return Error{"too much for one index", path};
    }
  }
  return ok_status();
}

Status Merge::merge_entries(TableWriter& table) {
  std::vector<Entries> sources;
  for (const Input& input : inputs_) sources.emplace_back(input);
  std::vector<uint32_t> lines;
  for (;;) {
    const Entries* least = nullptr;
    for (const Entries& source : sources) {
      if (source.there() && (least == nullptr || source.hash() < least->hash())) least = &source;
    }
    if (least == nullptr) return ok_status();
    const uint64_t hash = least->hash();
    uint32_t files = 0;
    uint32_t rarity = 0;
    lines.clear();
    for (Entries& source : sources) {
      while (source.there() && source.hash() == hash) {
        files += source.lines(lines);
        rarity = std::max(rarity, source.rarity());
        source.next();
      }
    }
    if (files > kMostFiles || lines.size() > 0xffff) {
      ++report_.dropped_common;
    } else if (!lines.empty()) {
      if (Status put = table.add(hash, lines, files, rarity); !put) return put;
    }
  }
}

// In the order in which a builder writes them, so that merging and building together are the same.
Status Merge::write_files(IndexWriter& out) {
  std::vector<uint8_t> names;
  std::vector<uint8_t> rows;
  const auto put_name = [&](const Input& input, uint32_t offset, uint32_t size) -> Status {
    const ByteSpan all = input.section(Section::kNames);
    if (offset > all.size() || size > all.size() - offset) {
      return Error{"index is damaged: names", {}};
    }
    put32(rows, static_cast<uint32_t>(names.size()));
    put32(rows, size);
    const ByteSpan name = all.subspan(offset, size);
    names.insert(names.end(), name.begin(), name.end());
    return ok_status();
  };
  for (const Input& input : inputs_) {
    ByteReader reader(input.section(Section::kRepositories));
    while (!reader.empty()) {
      const uint32_t offset = reader.le32();
      if (Status put = put_name(input, offset, reader.le32()); !put) return put;
    }
  }
  if (Status done = out.section(Section::kRepositories, rows); !done) return done;
  rows.clear();
  for (const Input& input : inputs_) {
    ByteReader reader(input.section(Section::kFiles));
    while (!reader.empty()) {
      put32(rows, reader.le32() + input.repositories);
      const uint32_t offset = reader.le32();
      if (Status put = put_name(input, offset, reader.le32()); !put) return put;
      put32(rows, reader.le32() + input.lines);
      put32(rows, reader.le32());
      put32(rows, reader.le32());
    }
  }
  if (Status done = out.section(Section::kFiles, rows); !done) return done;
  if (Status done = out.section(Section::kNames, names); !done) return done;
  std::vector<uint8_t> sealed;
  for (const Input& input : inputs_) {
    const ByteSpan section = input.section(Section::kSealedNames);
    sealed.insert(sealed.end(), section.begin(), section.end());
  }
  if (!sealed.empty()) {
    if (Status done = out.section(Section::kSealedNames, sealed); !done) return done;
  }
  for (const Section of_lines : {Section::kLineTags, Section::kLineShapes}) {
    if (Status done = out.begin_section(of_lines); !done) return done;
    for (const Input& input : inputs_) {
      if (Status done = out.write(input.section(of_lines)); !done) return done;
    }
    out.end_section();
  }
  return ok_status();
}

Result<std::vector<uint8_t>> Merge::critical() {
  std::map<std::string_view, uint32_t> lines;  // in the order of their text
  std::vector<std::string_view> repeated;
  for (const Input& input : inputs_) {
    const ByteSpan section = input.section(Section::kCritical);
    if (section.empty()) continue;
    ByteReader reader(section);
    for (uint32_t left = reader.le32(); left > 0 && reader.ok(); --left) {
      const uint32_t line = reader.le32() + input.lines;
      const ByteSpan text = reader.take(reader.le32());
      // A line of two indexes is not one file's alone.
      if (reader.ok() && !lines.emplace(as_chars(text), line).second) {
        repeated.push_back(as_chars(text));
      }
    }
    if (!reader.ok()) return Error{"index is damaged: critical lines", {}};
  }
  for (const std::string_view text : repeated) lines.erase(text);
  std::vector<std::pair<uint32_t, std::string_view>> kept;
  for (const auto& [text, line] : lines) kept.emplace_back(line, text);
  // The longest, as far as the budget goes.
  std::sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) {
    return std::pair(b.second.size(), a.first) < std::pair(a.second.size(), b.first);
  });
  if (kept.size() > kCriticalBudget) kept.resize(kCriticalBudget);
  std::sort(kept.begin(), kept.end());
  report_.critical_lines = kept.size();
  return critical_section(kept);
}

Result<std::vector<uint8_t>> Merge::names() {
  std::map<std::string, std::vector<DistinctName>> by_text;
  for (const Input& input : inputs_) {
    Result<DistinctNames> read = read_names(input.section(Section::kDistinctNames));
    if (!read) return read.error();
    for (DistinctName& name : read.value().names) {
      name.repository += input.repositories;
      name.file += input.files;
      std::string text = name.text;
      by_text[std::move(text)].push_back(std::move(name));
    }
  }
  std::vector<DistinctName> kept;
  for (auto& [text, names] : by_text) {
    if (names.size() == 1) kept.push_back(std::move(names.front()));  // others are two indexes'
  }
  std::sort(kept.begin(), kept.end(), [](const DistinctName& a, const DistinctName& b) {
    const uint32_t score_a = name_score(a.text);
    const uint32_t score_b = name_score(b.text);
    return std::tie(score_b, a.file, a.text) < std::tie(score_a, b.file, b.text);
  });
  const size_t budget = kCriticalBudget - static_cast<size_t>(report_.critical_lines);
  if (kept.size() > budget) kept.resize(budget);
  std::sort(kept.begin(), kept.end(), [](const DistinctName& a, const DistinctName& b) {
    return std::tie(a.file, a.text) < std::tie(b.file, b.text);
  });
  report_.names = kept.size();
  return names_section(kept);
}

std::vector<uint8_t> Merge::digests() {
  DigestList list;
  for (const Input& input : inputs_)
    list.add_section(input.section(Section::kDigests), input.files);
  std::vector<uint8_t> out = list.section(kMostFiles);
  report_.digests = out.size() / kDigestEntry;
  return out;
}

Result<IndexMergeReport> Merge::run(const std::vector<std::string>& paths) {
  if (paths.empty()) return Error{"no index to merge", {}};
  if (Status opened = open(paths); !opened) return opened.error();
  Result<IndexWriter> created = IndexWriter::create(out_);
  if (!created) return created.error();
  IndexWriter& out = created.value();
  if (Status done = write_files(out); !done) return done.error();
  TableWriter table(out, folder_of(out_));
  if (Status merged = merge_entries(table); !merged) return merged.error();
  report_.fingerprints = table.size();
  if (Status done = table.finish(); !done) return done.error();
  const auto put = [&out](Section which, const Result<std::vector<uint8_t>>& bytes) -> Status {
    return bytes ? out.section(which, *bytes) : Status(bytes.error());
  };
  if (Status done = put(Section::kCritical, critical()); !done) return done.error();
  if (Status done = put(Section::kDistinctNames, names()); !done) return done.error();
  if (Status done = put(Section::kDigests, digests()); !done) return done.error();
  const IndexHeader& first = inputs_.front().header;
  out.header.key_check = first.key_check;
  out.header.files = report_.files;
  out.header.lines = report_.lines;
  out.header.critical_lines = report_.critical_lines;
  out.header.window = first.window;
  out.header.anchor_bits = first.anchor_bits;
  if (Status done = out.publish(); !done) return done.error();
  return report_;
}

}  // namespace

Result<IndexMergeReport> merge_indexes(const std::vector<std::string>& paths,
                                       const std::string& out) {
  return Merge(out).run(paths);
}

}  // namespace weir::signatures
