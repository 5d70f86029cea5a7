#ifndef PAGEMAPD_TESTS_TESTING_PAGE_BUDGET_H_
#define PAGEMAPD_TESTS_TESTING_PAGE_BUDGET_H_

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace pagemapd {

// How much memory a test makes: `usual` pages, or as many as PAGEMAPD_TEST_PAGES says, if they are
// fewer. For machines that are emulated: tests/qemu/run.sh sets it. At least 4096.
inline uint64_t PageBudget(uint64_t usual) {
  const char* const text = std::getenv("PAGEMAPD_TEST_PAGES");
  if (text == nullptr) return usual;
  return std::min(usual, std::max<uint64_t>(4096, std::strtoull(text, nullptr, 10)));
}

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_TESTING_PAGE_BUDGET_H_
