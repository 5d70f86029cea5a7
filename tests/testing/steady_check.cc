#include "tests/testing/steady_check.h"

#include "absl/status/statusor.h"

namespace pagemapd {
namespace {

// In both views: a private mapping hides pages of its object behind copies.
absl::StatusOr<std::vector<TruePage>> WholeTruth(pid_t pid, const MemoryRegion& region) {
  absl::StatusOr<std::vector<TruePage>> truth = TruthOf(pid, region, false);
  if (!truth.ok() || region.backing == Backing::kNone) return truth;
  absl::StatusOr<std::vector<TruePage>> object = TruthOf(pid, region, true);
  if (!object.ok()) return object;
  truth->insert(truth->end(), object->begin(), object->end());
  return truth;
}

}  // namespace

std::vector<std::string> CheckSteadily(pid_t pid, const MemoryRegion& region,
                                       const std::function<std::vector<std::string>()>& check) {
  constexpr int kAttempts = 30;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    absl::StatusOr<std::vector<TruePage>> before = WholeTruth(pid, region);
    if (!before.ok()) return {before.status().ToString()};
    std::vector<std::string> found = check();
    absl::StatusOr<std::vector<TruePage>> after = WholeTruth(pid, region);
    if (!after.ok()) return {after.status().ToString()};
    if (*before == *after) return found;
  }
  return {"the pages do not keep still"};
}

}  // namespace pagemapd
