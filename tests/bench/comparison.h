#ifndef PAGEMAPD_TESTS_BENCH_COMPARISON_H_
#define PAGEMAPD_TESTS_BENCH_COMPARISON_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace pagemapd {

// Wall-clock time of one run, in nanoseconds.
struct Cost {
  // What the code costs where nothing disturbs it.
  double best_ns = 0;
  // How far from that this machine was.
  double median_ns = 0;
};

struct Comparison {
  Cost baseline;
  Cost ours;

  double BestRatio() const { return ours.best_ns / baseline.best_ns; }
  double MedianRatio() const { return ours.median_ns / baseline.median_ns; }
};

using Task = std::function<absl::Status()>;

// Runs both in turn, many times over, so that what disturbs the machine disturbs both alike.
// `prepare`, if there is one, comes before each run, and is not part of it.
absl::StatusOr<Comparison> Compare(const Task& baseline, const Task& ours,
                                   const Task& prepare = nullptr);

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_BENCH_COMPARISON_H_
