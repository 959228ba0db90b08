#include "inspect/detect/drip_memory.h"

#include <algorithm>
#include <map>
#include <set>

#include "inspect/detect/code_runs.h"

namespace weir::inspect {
namespace {

// What is added up over requests has had many chances to be met by accident: it has to be surer
// than what one request holds, of more lines, and not of one or two requests alone.
constexpr double kLeastTogether = 0.9;
constexpr uint32_t kLeastLines = 5;
constexpr uint32_t kLeastRequests = 3;
// Lines are of one place of the file when no more than this lies between two of them.
constexpr uint32_t kGap = 40;
constexpr double kLeastWeight = 0.03;  // of a hit that is remembered
constexpr double kMostWindows = 1.2;   // of one line, as in code_score.cc

size_t power_of_two(size_t least) noexcept {
  size_t size = 1;
  while (size < least) size *= 2;
  return size;
}

}  // namespace

DripMemory::DripMemory(const Limits& limits)
    : most_lines_(limits.drip_lines), age_(limits.drip_age) {
  // The key is fixed, so that a replay repeats itself.
  hash_key_.words = {0x7765697220647269ULL, 0x7073206f6620636fULL};
  if (limits.drip_files == 0) return;
  buckets_ = power_of_two((limits.drip_files + kWays - 1) / kWays);
  files_.resize(buckets_ * kWays);
}

uint64_t DripMemory::sender_id(const IpAddress& client, std::string_view host) const noexcept {
  return mix64(siphash(hash_key_, ByteSpan(client.bytes)) ^
               mix64(siphash(hash_key_, as_bytes(host))));
}

DripMemory::File& DripMemory::file_for(uint64_t key, Timestamp now, const DripCounters& counters) {
  const size_t first = (key & (buckets_ - 1)) * kWays;
  File* oldest = &files_[first];
  for (size_t i = first; i < first + kWays; ++i) {
    File& file = files_[i];
    if (file.key == key) {
      if (now - file.last > age_) file = {key, now, 0, 0, 0, {}};
      return file;
    }
    if (file.key == 0 || (oldest->key != 0 && file.last < oldest->last)) oldest = &file;
    if (oldest->key == 0) break;
  }
  // A free place is never behind a taken one.
  counters.kept.add();
  if (oldest->key != 0 && now - oldest->last <= age_) counters.replaced.add();
  *oldest = {key, now, 0, 0, 0, {}};
  return *oldest;
}

std::optional<Drip> DripMemory::add(uint64_t sender, uint32_t index, Timestamp now,
                                    const WeakFile& found, const DripCounters& counters) {
  if (buckets_ == 0) return std::nullopt;
  const uint64_t key = mix64(sender ^ mix64((uint64_t{index} << 32U | found.file) + 1)) | 1U;
  const std::lock_guard lock(mutexes_[(key & (buckets_ - 1)) % kShards]);
  File& file = file_for(key, now, counters);
  bool fresh = false;
  for (const CodeHit& hit : found.hits) {
    const double weight = hit_weight(hit);
    if (weight < kLeastWeight) continue;
    const auto known = std::find_if(file.lines.begin(), file.lines.end(), [&hit](const Line& l) {
      return l.id == hit.id && l.kind == hit.kind;
    });
    if (known != file.lines.end()) continue;
    if (file.lines.size() >= most_lines_) {
      counters.lines_dropped.add();
      continue;
    }
    file.lines.push_back({hit.id, hit.global_line, hit.kind, weight});
    fresh = true;
  }
  file.last = std::max(file.last, now);
  if (!fresh) return std::nullopt;
  ++file.requests;
  file.foreign += found.signs.foreign;
  file.density += found.signs.density;
  if (file.requests < kLeastRequests) return std::nullopt;
  std::set<uint32_t> lines;
  for (const Line& line : file.lines) lines.insert(line.global_line);
  if (lines.size() < kLeastLines) return std::nullopt;
  // The place of the file that holds most of them.
  Drip drip;
  for (auto begin = lines.begin(); begin != lines.end();) {
    auto end = begin;
    uint32_t last = *begin;
    uint32_t count = 0;
    for (; end != lines.end() && *end - last <= kGap; ++end, ++count) last = *end;
    if (count > drip.lines) {
      drip.first_line = *begin;
      drip.last_line = last;
      drip.lines = count;
    }
    begin = end;
  }
  if (drip.lines < kLeastLines) return std::nullopt;
  drip.score = score_of(signs_of(file));
  drip.requests = file.requests;
  if (drip.score < kLeastTogether) return std::nullopt;
  return drip;
}

// As code_score.cc sums up one request.
CodeSigns DripMemory::signs_of(const File& file) {
  CodeSigns out;
  std::set<uint32_t> whole;
  for (const Line& line : file.lines) {
    if (line.kind == HitKind::kLine) whole.insert(line.global_line);
  }
  std::map<uint32_t, double> windows;
  std::set<uint32_t> strong;
  for (const Line& line : file.lines) {
    const bool known = whole.count(line.global_line) > 0;
    switch (line.kind) {
      case HitKind::kLine:
        out.lines += line.weight;
        strong.insert(line.global_line);
        break;
      case HitKind::kMasked:
        if (!known) out.masked += line.weight;
        strong.insert(line.global_line);
        break;
      case HitKind::kWindow:
        if (!known) windows[line.global_line] += line.weight;
        break;
      case HitKind::kCouple:
        out.couples += line.weight;
        break;
      case HitKind::kShape:
      case HitKind::kPair:
        break;
    }
  }
  for (const auto& [line, weight] : windows) out.windows += std::min(weight, kMostWindows);
  out.strong = static_cast<uint32_t>(strong.size());
  out.different = static_cast<uint32_t>(whole.size() + windows.size());
  out.foreign = file.foreign;
  out.density = file.density / std::max(file.requests, 1U);
  return out;
}

}  // namespace weir::inspect
