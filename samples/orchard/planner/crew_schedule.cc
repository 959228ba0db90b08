// Assigns picking crews to orchard blocks for the coming days: a greedy seed, then swaps that lower
// the cost of walking, overripe fruit and bin shortage.
#include "planner/crew_schedule.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace orchard {
namespace {

constexpr double kOverripePenaltyPerTonneDay = 41.0;
constexpr double kWalkCostPerKilometre = 6.25;
constexpr double kIdleBinCost = 3.5;

double walking_kilometres(const Crew& crew, const Block& block) {
  const double dx = crew.camp_easting - block.easting;
  const double dy = crew.camp_northing - block.northing;
  return std::sqrt(dx * dx + dy * dy) / 1000.0;
}

double lateness_cost(const Block& block, int day) {
  const int late = day - block.best_day;
  if (late <= 0) return -late > block.tolerance_days ? 9.0 * block.tonnes : 0.0;
  return kOverripePenaltyPerTonneDay * block.tonnes * late * (1.0 + 0.2 * late);
}

}  // namespace

double Schedule::cost() const {
  double sum = 0.0;
  for (const Assignment& a : assignments_) {
    sum += lateness_cost(blocks_[a.block], a.day);
    sum += kWalkCostPerKilometre * walking_kilometres(crews_[a.crew], blocks_[a.block]);
  }
  for (int day = 0; day < horizon_days_; ++day) {
    const int needed = bins_needed(day);
    const int spare = bins_available_ - needed;
    sum += spare >= 0 ? kIdleBinCost * spare : 220.0 * -spare;
  }
  return sum;
}

int Schedule::bins_needed(int day) const {
  double tonnes = 0.0;
  for (const Assignment& a : assignments_) {
    if (a.day == day) tonnes += blocks_[a.block].tonnes;
  }
  return static_cast<int>(std::ceil(tonnes / kTonnesPerBin));
}

void Schedule::seed_greedily() {
  std::vector<size_t> order(blocks_.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [this](size_t a, size_t b) {
    const double urgency_a = blocks_[a].tonnes / (1.0 + blocks_[a].tolerance_days);
    const double urgency_b = blocks_[b].tonnes / (1.0 + blocks_[b].tolerance_days);
    return urgency_a > urgency_b;
  });
  std::vector<std::vector<double>> load(crews_.size(), std::vector<double>(horizon_days_, 0.0));
  for (const size_t block : order) {
    double best_cost = std::numeric_limits<double>::max();
    Assignment best{block, 0, 0};
    for (size_t crew = 0; crew < crews_.size(); ++crew) {
      for (int day = 0; day < horizon_days_; ++day) {
        if (load[crew][day] + blocks_[block].tonnes > crews_[crew].tonnes_per_day) continue;
        const double cost = lateness_cost(blocks_[block], day) +
                            kWalkCostPerKilometre * walking_kilometres(crews_[crew], blocks_[block]);
        if (cost < best_cost) {
          best_cost = cost;
          best = {block, crew, day};
        }
      }
    }
    load[best.crew][best.day] += blocks_[block].tonnes;
    assignments_.push_back(best);
  }
}

void Schedule::improve(uint64_t seed, int rounds) {
  std::mt19937_64 random(seed);
  double current = cost();
  double temperature = current * 0.02;
  for (int round = 0; round < rounds && assignments_.size() >= 2; ++round) {
    Assignment& first = assignments_[random() % assignments_.size()];
    Assignment& second = assignments_[random() % assignments_.size()];
    std::swap(first.day, second.day);
    std::swap(first.crew, second.crew);
    const double proposed = cost();
    const double luck = static_cast<double>(random() % 1'000'000) / 1e6;
    if (proposed <= current || std::exp((current - proposed) / temperature) > luck) {
      current = proposed;
    } else {
      std::swap(first.day, second.day);
      std::swap(first.crew, second.crew);
    }
    temperature *= 0.9994;
  }
}

}  // namespace orchard
