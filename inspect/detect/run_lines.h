// Lines of a file by their number, as a map has them, for lines that stand near one another: a row
// with room for what is between them. Memory is that of the stretch from the first to the last; a
// run bridges gaps of some tens of lines, no more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir::inspect {

inline constexpr uint32_t kNoTextLine = 0xffffffff;

// What is known of one line of the file within a run.
struct RunLine {
  bool same_tag = false;    // reached from a neighbour: the tag is equal
  bool same_shape = false;  // likewise, of its shape alone
  uint32_t text_line = kNoTextLine;
  double text = 0;   // what hits say of its text
  double shape = 0;  // what they say of its shape
};

class RunLines {
 public:
  struct Entry {
    uint32_t first = kNone;  // the line; kNone: not there
    RunLine second;
  };
  class Iterator {
   public:
    Iterator(const Entry* at, const Entry* end) noexcept : at_(at), end_(end) { skip(); }
    const Entry& operator*() const noexcept { return *at_; }
    const Entry* operator->() const noexcept { return at_; }
    Iterator& operator++() noexcept {
      ++at_;
      skip();
      return *this;
    }
    bool operator!=(const Iterator& other) const noexcept { return at_ != other.at_; }

   private:
    void skip() noexcept {
      while (at_ != end_ && at_->first == kNone) ++at_;
    }
    const Entry* at_;
    const Entry* end_;
  };

  // Makes the line where it is not there.
  RunLine& operator[](uint32_t line) {
    if (row_.empty() || line < low_ || line - low_ >= row_.size()) reach(line);
    Entry& entry = row_[line - low_];
    if (entry.first == kNone) {
      entry.first = line;
      ++count_;
    }
    return entry.second;
  }
  [[nodiscard]] Iterator begin() const noexcept { return {row_.data(), row_.data() + row_.size()}; }
  [[nodiscard]] Iterator end() const noexcept {
    return {row_.data() + row_.size(), row_.data() + row_.size()};
  }
  // Of lines that are not empty.
  [[nodiscard]] uint32_t first() const noexcept { return begin()->first; }
  [[nodiscard]] uint32_t last() const noexcept {
    size_t i = row_.size() - 1;
    while (row_[i].first == kNone) --i;
    return row_[i].first;
  }
  [[nodiscard]] size_t size() const noexcept { return count_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  void clear() noexcept {
    row_.clear();
    count_ = 0;
  }

 private:
  static constexpr uint32_t kNone = 0xffffffff;
  static constexpr size_t kRoom = 8;

  // The row then has a place for the line; it grows by a part of itself, so seldom.
  void reach(uint32_t line) {
    if (row_.empty()) {
      low_ = line < kRoom ? 0 : line - static_cast<uint32_t>(kRoom);
      row_.resize(line - low_ + kRoom);
    } else if (line < low_) {
      const size_t wanted = low_ - line + row_.size() / 2;
      const size_t more = wanted < low_ ? wanted : low_;
      row_.insert(row_.begin(), more, Entry{});
      low_ -= static_cast<uint32_t>(more);
    } else {
      row_.resize(line - low_ + 1 + row_.size() / 2);
    }
  }

  std::vector<Entry> row_;  // from line low_ on
  uint32_t low_ = 0;
  size_t count_ = 0;
};

}  // namespace weir::inspect
