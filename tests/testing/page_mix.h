#ifndef PAGEMAPD_TESTS_TESTING_PAGE_MIX_H_
#define PAGEMAPD_TESTS_TESTING_PAGE_MIX_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "tests/testing/target_protocol.h"

namespace pagemapd {

// What a test wants a page to become. What it became is for the oracle to say: the kernel may do
// more, such as mapping the neighbours of a page that is read.
enum class PageWish : uint8_t {
  kUntouched,
  // Allocated, and never written.
  kFallocated,
  // Written, then punched out of the object.
  kPunched,
  kMapped,
  // Written, and the process's PTE dropped.
  kCached,
  kSwapped,
};

enum class Mix {
  // Every page by lot.
  kRandom,
  // Runs of 1 to 512 pages by lot.
  kRunLength,
  // Mapped and swapped in turn.
  kAlternating,
  kAllSwapped,
  // One page in 64 by lot, the rest untouched.
  kSparse,
};
inline constexpr Mix kMixes[] = {Mix::kRandom, Mix::kRunLength, Mix::kAlternating, Mix::kAllSwapped,
                                 Mix::kSparse};
const char* Name(Mix mix);

// The same for the same arguments. `wishes` are those to draw lots from, in kRandom, kRunLength and
// kSparse.
std::vector<PageWish> MakeMix(Mix mix, uint64_t pages, absl::Span<const PageWish> wishes,
                              uint64_t seed);

// The runs of pages with one of these wishes.
std::vector<PageRun> RunsOf(absl::Span<const PageWish> plan, absl::Span<const PageWish> any_of);

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_TESTING_PAGE_MIX_H_
