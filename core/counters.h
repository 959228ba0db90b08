// Counters with one writer and any number of readers. A component keeps a plain struct of Counter;
// a constexpr table of CounterInfo names each member, and describes_all() lets the build fail when
// a member has no name. Workers' structs are summed by whoever reports them.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir {

class Counter {
 public:
  Counter() noexcept = default;
  Counter(const Counter& other) noexcept : value_(other.get()) {}
  Counter& operator=(const Counter& other) noexcept {
    value_.store(other.get(), std::memory_order_relaxed);
    return *this;
  }
  // Single writer: a load and a store, no locked instruction.
  void add(uint64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  [[nodiscard]] uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

template <typename Group>
struct CounterInfo {
  std::string_view name;  // snake_case, unique in its group
  Counter Group::*member;
  std::string_view help;
};

template <typename Group, size_t N>
using CounterTable = std::array<CounterInfo<Group>, N>;

// True when the table has one row for each Counter of a group that holds nothing else.
template <typename Group, size_t N>
constexpr bool describes_all(const CounterTable<Group, N>&) noexcept {
  return sizeof(Group) == N * sizeof(Counter);
}

template <typename Group, size_t N>
void add_counters(Group& sum, const Group& part, const CounterTable<Group, N>& table) noexcept {
  for (const auto& row : table) (sum.*row.member).add((part.*row.member).get());
}

}  // namespace weir
