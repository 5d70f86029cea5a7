#ifndef PAGEMAPD_TESTS_TESTING_PAGE_PATTERN_H_
#define PAGEMAPD_TESTS_TESTING_PAGE_PATTERN_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "tests/testing/page_mix.h"

namespace pagemapd {

// Content by which a page is known wherever it is found: every word of it has the object's number
// and the page's index in it, and no two words are the same. `object` is from 1 to 65535, `index`
// less than 2^38.

// Writes pages of the file `fd`, by runs of indices from `first_index` on. Allocates them.
absl::Status WritePattern(int fd, uint16_t object, uint64_t first_index,
                          absl::Span<const PageRun> runs);

// Whether this is the content of that page, its first word aside, which TargetProcess::Write sets.
bool HoldsPattern(absl::Span<const uint64_t> words, uint16_t object, uint64_t index);

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_TESTING_PAGE_PATTERN_H_
