#include "tests/bench/comparison.h"

#include <algorithm>
#include <chrono>
#include <vector>

namespace pagemapd {
namespace {

// As many as fit the budget, within these bounds.
constexpr size_t kMinRepetitions = 5;
constexpr size_t kMaxRepetitions = 31;
constexpr std::chrono::seconds kBudget(3);

absl::Status RunOnce(const Task& prepare, const Task& task, std::vector<double>* times_ns) {
  if (prepare) {
    if (absl::Status s = prepare(); !s.ok()) return s;
  }
  const auto begin = std::chrono::steady_clock::now();
  if (absl::Status s = task(); !s.ok()) return s;
  const auto end = std::chrono::steady_clock::now();
  times_ns->push_back(std::chrono::duration<double, std::nano>(end - begin).count());
  return absl::OkStatus();
}

Cost CostOf(std::vector<double> times_ns) {
  std::sort(times_ns.begin(), times_ns.end());
  return {times_ns.front(), times_ns[times_ns.size() / 2]};
}

}  // namespace

absl::StatusOr<Comparison> Compare(const Task& baseline, const Task& ours, const Task& prepare) {
  // Once unmeasured: page tables, connections and buffers.
  std::vector<double> unmeasured_ns;
  if (absl::Status s = RunOnce(prepare, baseline, &unmeasured_ns); !s.ok()) return s;
  if (absl::Status s = RunOnce(prepare, ours, &unmeasured_ns); !s.ok()) return s;
  std::vector<double> baseline_ns;
  std::vector<double> ours_ns;
  const auto begin = std::chrono::steady_clock::now();
  while (ours_ns.size() < kMinRepetitions ||
         (ours_ns.size() < kMaxRepetitions && std::chrono::steady_clock::now() < begin + kBudget)) {
    if (absl::Status s = RunOnce(prepare, baseline, &baseline_ns); !s.ok()) return s;
    if (absl::Status s = RunOnce(prepare, ours, &ours_ns); !s.ok()) return s;
  }
  return Comparison{CostOf(std::move(baseline_ns)), CostOf(std::move(ours_ns))};
}

}  // namespace pagemapd
