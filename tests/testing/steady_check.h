#ifndef PAGEMAPD_TESTS_TESTING_STEADY_CHECK_H_
#define PAGEMAPD_TESTS_TESTING_STEADY_CHECK_H_

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/testing/memory_region.h"

namespace pagemapd {

// Runs `check`, which returns what it found wrong, while the pages of a region keep still: the
// oracle says the same of them after it as before. On a live machine reclaim, compaction or DAMON
// may move a page at any time; then `check` runs again, and what it found before is dropped.
// Returns what it found when they did keep still, or that they never did.
std::vector<std::string> CheckSteadily(pid_t pid, const MemoryRegion& region,
                                       const std::function<std::vector<std::string>()>& check);

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_TESTING_STEADY_CHECK_H_
