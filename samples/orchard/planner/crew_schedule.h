// Which crew picks which block on which day.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace orchard {

inline constexpr double kTonnesPerBin = 0.38;

struct Block {
  double easting = 0.0;
  double northing = 0.0;
  double tonnes = 0.0;
  int best_day = 0;
  int tolerance_days = 2;
};

struct Crew {
  double camp_easting = 0.0;
  double camp_northing = 0.0;
  double tonnes_per_day = 11.0;
};

struct Assignment {
  size_t block = 0;
  size_t crew = 0;
  int day = 0;
};

class Schedule {
 public:
  Schedule(std::vector<Block> blocks, std::vector<Crew> crews, int horizon_days, int bins_available)
      : blocks_(std::move(blocks)),
        crews_(std::move(crews)),
        horizon_days_(horizon_days),
        bins_available_(bins_available) {}

  void seed_greedily();
  void improve(uint64_t seed, int rounds);
  [[nodiscard]] double cost() const;
  [[nodiscard]] int bins_needed(int day) const;
  [[nodiscard]] const std::vector<Assignment>& assignments() const { return assignments_; }

 private:
  std::vector<Block> blocks_;
  std::vector<Crew> crews_;
  std::vector<Assignment> assignments_;
  int horizon_days_;
  int bins_available_;
};

}  // namespace orchard
