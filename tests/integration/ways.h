#ifndef PAGEMAPD_TESTS_INTEGRATION_WAYS_H_
#define PAGEMAPD_TESTS_INTEGRATION_WAYS_H_

#include <unistd.h>

#include <string>
#include <vector>

namespace pagemapd {

// A way of finding out where pages are, and the daemon's flags that force it.
struct Way {
  const char* name;
  std::vector<std::string> flags;
  // Tells every place in swap. What is in those places is for swap_offsets_test.cc.
  bool places;
  // Cannot tell a resident page from a copy in the swap cache: such pages are unknown.
  bool mincore;
};

// Whether this kernel is patched: its pagemap can show shared memory in swap.
inline bool KernelHasMarker() { return access("/sys/kernel/mm/pagemap/shmem_swap", F_OK) == 0; }

// All that this kernel offers.
inline const std::vector<Way>& Ways() {
  static const auto* ways = [] {
    auto* all = new std::vector<Way>{
        {"bpf", {"--source", "bpf"}, true, false},
        {"bpf, read", {"--source", "bpf", "--without", "pagemap-scan"}, true, false},
        {"probe", {"--source", "probe"}, false, false},
        {"probe, read", {"--source", "probe", "--without", "pagemap-scan"}, false, false},
        {"mincore", {"--source", "probe", "--without", "cachestat"}, false, true},
        {"mincore, read",
         {"--source", "probe", "--without", "pagemap-scan", "--without", "cachestat"},
         false,
         true},
    };
    if (!KernelHasMarker()) return all;
    const std::vector<Way> marker = {
        {"marker and bpf", {}, true, false},
        {"marker and bpf, read", {"--without", "pagemap-scan"}, true, false},
        {"marker and probe", {"--without", "bpf"}, true, false},
        // Knows which pages are not swapped, and so is never in doubt.
        {"marker and mincore", {"--without", "bpf", "--without", "cachestat"}, true, false},
        {"marker and mincore, read",
         {"--without", "bpf", "--without", "cachestat", "--without", "pagemap-scan"},
         true,
         false},
    };
    all->insert(all->end(), marker.begin(), marker.end());
    return all;
  }();
  return *ways;
}

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_INTEGRATION_WAYS_H_
