#include "signatures/fingerprint/names_picker.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "core/byte_reader.h"
#include "signatures/fingerprint/index_format.h"
#include "signatures/fingerprint/names_reader.h"
#include "signatures/fingerprint/source_files.h"

namespace weir::signatures {
namespace {

uint32_t score_of(const PlacedHash& name) noexcept {
  return (name.place & ~kNameDefined) >> kNameOffsetBits;
}
uint32_t offset_of(const PlacedHash& name) noexcept {
  return name.place & ((1U << kNameOffsetBits) - 1);
}

bool better(const PlacedHash& a, const PlacedHash& b) noexcept {
  if (score_of(a) != score_of(b)) return score_of(a) > score_of(b);
  return std::tie(a.file, a.place, a.hash) < std::tie(b.file, b.place, b.hash);
}

}  // namespace

void NamePicker::take(const PlacedHash& record) {
  if (in_files_ > 0 && record.hash != first_.hash) finish();
  const ScannedFile& file = files_[record.file];
  if (file.is_foreign()) {
    if (foreign_hash_ != record.hash) foreign_.clear();
    foreign_hash_ = record.hash;
    foreign_.push_back(file.repository);
    return;
  }
  const bool defined = (record.place & kNameDefined) != 0;
  if (in_files_ == 0) {
    first_ = record;
    shared_ = false;
    defined_ = defined;
  } else if (defined && !defined_) {
    first_ = record;  // rather where it is defined
    defined_ = true;
  }
  shared_ = shared_ || file.is_public() || file.repository != files_[first_.file].repository;
  if (in_files_ == 0 || record.file != last_file_) ++in_files_;
  last_file_ = record.file;
}

void NamePicker::finish() {
  const bool foreign =
      in_files_ > 0 && first_.hash == foreign_hash_ &&
      std::find(foreign_.begin(), foreign_.end(), files_[first_.file].repository) != foreign_.end();
  if (in_files_ > 0 && in_files_ <= kNameFiles && defined_ && !shared_ && !foreign) {
    std::vector<PlacedHash>& kept = kept_[files_[first_.file].repository];
    kept.push_back(first_);
    // Enough that the limit of each file leaves some; a heap would not be shorter.
    const size_t most = 16 * budget_ + 1024;
    if (kept.size() >= 2 * most) {
      std::nth_element(kept.begin(), kept.begin() + static_cast<ptrdiff_t>(most), kept.end(),
                       better);
      kept.resize(most);
    }
  }
  in_files_ = 0;
}

std::vector<DistinctName> NamePicker::pick(const SiteKey& key,
                                           const std::vector<uint32_t>& numbers) {
  finish();
  std::vector<PlacedHash> chosen;
  std::vector<size_t> next(kept_.size(), 0);
  std::unordered_map<uint32_t, uint32_t> of_file;
  for (auto& kept : kept_) std::sort(kept.begin(), kept.end(), better);
  // In turn, so that a large repository leaves room for small ones.
  for (bool any = true; any && chosen.size() < budget_;) {
    any = false;
    for (size_t r = 0; r < kept_.size() && chosen.size() < budget_; ++r) {
      while (next[r] < kept_[r].size()) {
        const PlacedHash& name = kept_[r][next[r]++];
        if (++of_file[name.file] > kNamesOfFile) continue;
        chosen.push_back(name);
        any = true;
        break;
      }
    }
  }
  std::sort(chosen.begin(), chosen.end(), [](const PlacedHash& a, const PlacedHash& b) {
    return std::tie(a.file, a.place) < std::tie(b.file, b.place);
  });
  std::vector<DistinctName> out;
  const NameReader reader(key);
  std::string buffer;
  std::optional<std::string_view> content;
  for (size_t i = 0; i < chosen.size(); ++i) {
    const ScannedFile& file = files_[chosen[i].file];
    if (i == 0 || chosen[i].file != chosen[i - 1].file) {
      std::string why;
      content = read_source(file.source.absolute, buffer, why);
    }
    const size_t begin = offset_of(chosen[i]);
    if (!content || begin >= content->size()) continue;
    size_t end = begin;
    while (end < content->size() && is_name_byte(static_cast<uint8_t>((*content)[end]))) ++end;
    std::string text(content->substr(begin, end - begin));
    if (reader.hash(text) != chosen[i].hash) continue;
    out.push_back({file.repository, numbers[chosen[i].file], std::move(text)});
  }
  return out;
}

Result<std::vector<uint8_t>> names_section(const std::vector<DistinctName>& names) {
  std::vector<uint8_t> out;
  if (names.empty()) return out;
  std::vector<Literal> literals;
  put32(out, static_cast<uint32_t>(names.size()));
  for (const DistinctName& name : names) {
    literals.push_back({static_cast<uint32_t>(literals.size()), name.text});
    put32(out, name.repository);
    put32(out, name.file);
    put32(out, static_cast<uint32_t>(name.text.size()));
    out.insert(out.end(), name.text.begin(), name.text.end());
  }
  const Result<LiteralSet> set = LiteralSet::compile(literals);
  if (!set) return set.error();
  const Result<std::vector<uint8_t>> compiled = set->serialise();
  if (!compiled) return compiled.error();
  put32(out, static_cast<uint32_t>(compiled->size()));
  out.insert(out.end(), compiled->begin(), compiled->end());
  return out;
}

Result<DistinctNames> read_names(ByteSpan section) {
  DistinctNames out;
  if (section.empty()) return out;
  ByteReader reader(section);
  const uint32_t count = reader.le32();
  for (uint32_t i = 0; i < count && reader.ok(); ++i) {
    DistinctName& name = out.names.emplace_back();
    name.repository = reader.le32();
    name.file = reader.le32();
    name.text = as_chars(reader.take(reader.le32()));
  }
  const ByteSpan compiled = reader.take(reader.le32());
  if (!reader.ok() || !reader.empty()) return Error{"index is damaged: distinctive names", {}};
  if (out.names.empty()) return out;
  Result<LiteralSet> set = LiteralSet::deserialise(compiled);
  if (!set) {
    // Another version of the matcher: from the names themselves.
    std::vector<Literal> literals;
    for (const DistinctName& name : out.names) {
      literals.push_back({static_cast<uint32_t>(literals.size()), name.text});
    }
    set = LiteralSet::compile(literals);
  }
  if (!set) return Error{"distinctive names do not compile: " + set.error().message, {}};
  out.set.emplace(std::move(set).value());
  return out;
}

}  // namespace weir::signatures
