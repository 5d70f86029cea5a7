#ifndef PAGEMAPD_TESTS_INTEGRATION_WAYS_H_
#define PAGEMAPD_TESTS_INTEGRATION_WAYS_H_

#include <string>
#include <vector>

namespace pagemapd {

// A way of finding out where pages are, and the daemon's flags that force it.
struct Way {
  const char* name;
  std::vector<std::string> flags;
  // Reads the page cache, and so tells every place in swap. What is in those places is for
  // swap_offsets_test.cc.
  bool bpf;
  // Cannot tell a resident page from a copy in the swap cache: such pages are unknown.
  bool mincore;
};

inline const std::vector<Way>& Ways() {
  static const auto* ways = new std::vector<Way>{
      {"bpf", {}, true, false},
      {"bpf, read", {"--without", "pagemap-scan"}, true, false},
      {"probe", {"--source", "probe"}, false, false},
      {"probe, read", {"--source", "probe", "--without", "pagemap-scan"}, false, false},
      {"mincore", {"--source", "probe", "--without", "cachestat"}, false, true},
      {"mincore, read",
       {"--source", "probe", "--without", "pagemap-scan", "--without", "cachestat"},
       false,
       true},
  };
  return *ways;
}

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_INTEGRATION_WAYS_H_
