// See contact_memory.h.
#include "inspect/contacts/contact_memory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

#include "core/hash.h"

namespace weir::inspect {
namespace {

constexpr std::string_view kFirstLine = "weir-contacts 1";
constexpr uintmax_t kMaxFile = 256U << 20;

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> out;
  while (!line.empty()) {
    const size_t blank = line.find(' ');
    out.push_back(line.substr(0, blank));
    line = blank == std::string_view::npos ? std::string_view{} : line.substr(blank + 1);
  }
  return out;
}

template <typename Number>
bool read_number(std::string_view text, Number& out, int base = 10) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return error == std::errc() && end == text.data() + text.size();
}

// What stands in a line is a word; "-" stands for none.
std::string word(std::string_view text) {
  if (text.empty()) return "-";
  std::string out(text);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c <= ' ' || c > '~'; }, '?');
  return out;
}
std::string unword(std::string_view text) {
  return text == "-" ? std::string() : std::string(text);
}

Error trouble(const std::string& path, const char* what) {
  return Error{std::string(what) + ": " + std::strerror(errno), path, 0, 0};
}

}  // namespace

uint64_t ContactMemory::hash_of(std::string_view text) noexcept {
  // Fixed, so that a replay repeats itself.
  constexpr HashKey kKey = {{0x7765697220636f6eULL, 0x7461637420686f73ULL}};
  return siphash(kKey, as_bytes(text));
}

bool ContactMemory::learning(Timestamp now, Duration period) noexcept {
  if (began_.ns == 0) {
    began_ = now;
    changed_ = true;
  }
  return period.ns > 0 && now - began_ < period;
}

void ContactMemory::learn(const std::string& tool, const std::string& host) {
  if (learnt(tool, host)) return;
  if (learnt_.size() >= room_) return counters_.hosts_dropped.add();
  learnt_.emplace(tool, host);
  counters_.learnt.add();
  changed_ = true;
}

bool ContactMemory::learnt(const std::string& tool, const std::string& host) const {
  return learnt_.contains({tool, host});
}

const ContactSum& ContactMemory::add(const ContactKey& key, const ContactSum& more) {
  changed_ = true;
  auto found = told_.find(key);
  if (found == told_.end()) {
    if (told_.size() >= room_ && !told_by_time_.empty()) {
      told_.erase(told_by_time_.begin()->second);
      told_by_time_.erase(told_by_time_.begin());
      counters_.hosts_dropped.add();
    }
    found = told_.emplace(key, more).first;
    told_by_time_.emplace(more.last.ns, key);
    return found->second;
  }
  ContactSum& sum = found->second;
  told_by_time_.erase({sum.last.ns, key});
  sum.first = std::min(sum.first, more.first);
  sum.last = std::max(sum.last, more.last);
  sum.flows += more.flows;
  sum.bytes_up += more.bytes_up;
  sum.bytes_down += more.bytes_down;
  sum.clients |= more.clients;
  told_by_time_.emplace(sum.last.ns, key);
  return sum;
}

ContactMemory::Met& ContactMemory::met(std::string_view host) {
  const uint64_t hash = hash_of(host);
  if (const auto found = hosts_.find(hash); found != hosts_.end()) return found->second;
  if (hosts_.size() >= std::max<size_t>(room_ / 2, 1)) {
    counters_.hosts_dropped.add(older_hosts_.size());
    older_hosts_ = std::move(hosts_);
    hosts_.clear();
  }
  const auto old = older_hosts_.find(hash);
  const Met known = old == older_hosts_.end() ? Met{} : old->second;
  if (old != older_hosts_.end()) older_hosts_.erase(old);
  return hosts_.emplace(hash, known).first->second;
}

void ContactMemory::meet(std::string_view host, std::string_view ja4) {
  Met& known = met(host);
  const uint64_t print = hash_of(ja4) | 1;
  if (known.ja4 == 0) known.ja4 = print;
  if (known.ja4 == print || known.common) return;
  known.common = true;
  changed_ = true;
}

void ContactMemory::mark_common(std::string_view host) {
  Met& known = met(host);
  if (known.common) return;
  known.common = true;
  changed_ = true;
}

bool ContactMemory::common(std::string_view host) const {
  const uint64_t hash = hash_of(host);
  for (const auto* generation : {&hosts_, &older_hosts_}) {
    if (const auto found = generation->find(hash); found != generation->end()) {
      return found->second.common;
    }
  }
  return false;
}

Status ContactMemory::read_line(std::string_view line) {
  const std::vector<std::string_view> words = words_of(line);
  const auto bad = [](const std::string& what) { return Error{what, {}, 0, 0}; };
  if (words[0] == "begin" && words.size() == 2) {
    if (!read_number(words[1], began_.ns)) return bad("begin: expected nanoseconds since 1970");
    return ok_status();
  }
  if (words[0] == "learnt" && words.size() == 3) {
    if (learnt_.size() < room_) learnt_.emplace(words[1], words[2]);
    return ok_status();
  }
  if (words[0] == "told" && words.size() == 10) {
    ContactSum sum;
    if (!read_number(words[4], sum.first.ns) || !read_number(words[5], sum.last.ns) ||
        !read_number(words[6], sum.flows) || !read_number(words[7], sum.bytes_up) ||
        !read_number(words[8], sum.bytes_down) || !read_number(words[9], sum.clients, 16)) {
      return bad("told: expected two times and four counts");
    }
    add({std::string(words[1]), unword(words[2]), std::string(words[3])}, sum);
    return ok_status();
  }
  if (words[0] == "common" && words.size() == 2) {
    uint64_t hash = 0;
    if (!read_number(words[1], hash, 16)) return bad("common: expected a hash");
    if (older_hosts_.size() < room_ / 2) older_hosts_[hash].common = true;
    return ok_status();
  }
  return bad("expected begin, learnt, told or common");
}

Status ContactMemory::load(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? ok_status() : Status(trouble(path, "cannot be read"));
  }
  if (!S_ISREG(info.st_mode) || static_cast<uintmax_t>(info.st_size) > kMaxFile) {
    return Error{"no file of tools' contacts", path, 0, 0};
  }
  std::ifstream in(path);
  if (!in) return trouble(path, "cannot be read");
  ContactMemory read(room_, counters_);
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (number == 1) {
      if (line != kFirstLine) {
        return Error{"expected \"" + std::string(kFirstLine) + "\"", path, 1, 1};
      }
      continue;
    }
    // The last line of a file that is whole ends it.
    if (line == "end") {
      began_ = read.began_;
      learnt_ = std::move(read.learnt_);
      told_ = std::move(read.told_);
      told_by_time_ = std::move(read.told_by_time_);
      hosts_.clear();
      older_hosts_ = std::move(read.older_hosts_);
      changed_ = false;
      return ok_status();
    }
    const Status good =
        line.empty() ? Status(Error{"an empty line", {}, 0, 0}) : read.read_line(line);
    if (!good) return Error{good.error().message, path, number, 1};
  }
  return Error{"the file is cut off: its last line is not \"end\"", path, 0, 0};
}

Status ContactMemory::save(const std::string& path) {
  std::string text = std::string(kFirstLine) + "\nbegin " + std::to_string(began_.ns) + "\n";
  for (const auto& [tool, host] : learnt_) text += "learnt " + word(tool) + " " + word(host) + "\n";
  for (const auto& [key, sum] : told_) {
    text += "told " + word(key.tool) + " " + word(key.version) + " " + word(key.host);
    for (const int64_t time : {sum.first.ns, sum.last.ns}) text += " " + std::to_string(time);
    for (const uint64_t count : {sum.flows, sum.bytes_up, sum.bytes_down}) {
      text += " " + std::to_string(count);
    }
    text += " " + to_hex(sum.clients) + "\n";
  }
  std::vector<uint64_t> common;
  for (const auto* generation : {&hosts_, &older_hosts_}) {
    for (const auto& [hash, known] : *generation) {
      if (known.common) common.push_back(hash);
    }
  }
  std::sort(common.begin(), common.end());
  for (const uint64_t hash : common) text += "common " + to_hex(hash) + "\n";
  text += "end\n";

  const std::string fresh = path + ".new";
  std::FILE* out = nullptr;
  {
    const mode_t before = ::umask(0077);
    out = std::fopen(fresh.c_str(), "w");
    ::umask(before);
  }
  if (out == nullptr) return trouble(fresh, "cannot be written");
  bool good = std::fwrite(text.data(), 1, text.size(), out) == text.size();
  good = std::fflush(out) == 0 && good;
  good = ::fsync(::fileno(out)) == 0 && good;
  const int error = errno;
  std::fclose(out);
  if (!good || ::rename(fresh.c_str(), path.c_str()) != 0) {
    if (!good) errno = error;
    const Error told = trouble(path, "cannot be written");
    ::unlink(fresh.c_str());
    return told;
  }
  changed_ = false;
  return ok_status();
}

}  // namespace weir::inspect
