#include "signatures/fingerprint/delta_base.h"

#include <algorithm>
#include <utility>

#include "signatures/fingerprint/file_mapping.h"
#include "signatures/fingerprint/sealed_names.h"

namespace weir::signatures {

std::string DeltaBase::name_of(const std::string& repository, const std::string& path) const {
  if (!sealed_) return repository + '\0' + path;
  return opaque_name(key_, repository) + '\0' + opaque_name(key_, path);
}

Result<DeltaBase> DeltaBase::open(const IndexBuildOptions& options, const SiteKey& key,
                                  const std::string& out) {
  auto opened = CodeIndex::open(options.delta_of, key);
  if (!opened) return opened.error();
  const IndexInfo& info = (*opened)->info();
  const auto refuse = [&options](std::string why) {
    return Error{std::move(why), options.delta_of};
  };
  if (info.layers >= kMostLayers) {
    return refuse("this index has " + std::to_string(info.layers) +
                  " layers, as many as there may be: build it anew, which takes them in");
  }
  if (options.incremental) return refuse("a layer keeps no cache: leave --incremental out");
  if (out != layer_path(options.delta_of, info.layers + 1)) {
    return refuse("the next layer of this index is " +
                  layer_path(options.delta_of, info.layers + 1));
  }
  if (info.sealed != options.seal_names.has_value()) {
    return refuse(info.sealed ? "names are sealed in this index: give --seal-names"
                              : "names are not sealed in this index: leave --seal-names out");
  }
  DeltaBase base(*opened, key, info.sealed);
  // Open already: this only reads the stamp of the topmost file.
  const std::string top =
      info.layers == 0 ? options.delta_of : layer_path(options.delta_of, info.layers);
  const Result<FileMapping> mapping = FileMapping::open(top);
  if (!mapping) return mapping.error();
  base.place_.below = index_stamp(mapping->bytes());
  base.place_.first_line = static_cast<uint32_t>(info.lines);
  base.place_.first_file = static_cast<uint32_t>(info.files);
  base.digests_ = (*opened)->digests().by_file(DigestKind::kSha256, info.files);
  base.contents_.insert(base.digests_.begin(), base.digests_.end());
  base.replaced_.assign(info.files, false);
  std::unordered_set<std::string> repositories;
  for (const IndexSource& source : options.repositories) {
    repositories.insert(info.sealed ? opaque_name(key, source.name) : source.name);
  }
  for (uint32_t number = 0; number < info.files; ++number) {
    const auto file = base.probe_.file(number);
    if (!file || base.probe_.is_hidden(number)) continue;
    std::string repository(file->repository);
    if (repositories.count(repository) == 0) continue;
    base.replaced_[number] = true;
    base.numbers_.emplace(repository + '\0' + std::string(file->path), number);
  }
  return base;
}

uint64_t DeltaBase::known_digest(const std::string& repository, const std::string& path) const {
  const auto found = numbers_.find(name_of(repository, path));
  return found == numbers_.end() ? 0 : digests_[found->second];
}

bool DeltaBase::same_lines(const std::string& repository, const ScannedFile& file) const {
  const auto found = numbers_.find(name_of(repository, file.source.path));
  if (found == numbers_.end() || digests_[found->second] != 0) return false;
  if (file.has_digests && contents_.count(file.digests[0]) == 0) return false;
  const auto known = probe_.file(found->second);
  if (!known || known->lines != file.tags.size()) return false;
  for (uint32_t i = 0; i < known->lines; ++i) {
    if (probe_.tag(known->first_line + i) != file.tags[i] ||
        probe_.shape_tag(known->first_line + i) != file.shapes[i]) {
      return false;
    }
  }
  return true;
}

void DeltaBase::keep(const std::string& repository, const std::string& path) {
  const auto found = numbers_.find(name_of(repository, path));
  if (found != numbers_.end()) replaced_[found->second] = false;
}

const std::vector<uint32_t>& DeltaBase::hidden() {
  if (settled_) return place_.hidden;
  settled_ = true;
  for (uint32_t number = 0; number < replaced_.size(); ++number) {
    if (replaced_[number]) place_.hidden.push_back(number);
  }
  return place_.hidden;
}

uint32_t DeltaBase::add_places(uint64_t hash, std::vector<uint32_t>& lines, uint32_t& rarity) {
  const Postings found = probe_.find(hash);
  before_.clear();
  uint32_t files = 0;
  uint32_t last = UINT32_MAX;
  for (uint32_t i = 0; i < found.count(); ++i) {
    const auto file = probe_.file_of(found.line(i));
    if (!file || replaced_[*file]) continue;
    files += *file != last ? 1 : 0;
    last = *file;
    before_.push_back(found.line(i));
  }
  if (files > 0) rarity = std::max(rarity, found.rarity());
  lines.insert(lines.begin(), before_.begin(), before_.end());
  return files;
}

}  // namespace weir::signatures
