#ifndef PAGEMAPD_DAEMON_PAGE_PAGE_RANGE_H_
#define PAGEMAPD_DAEMON_PAGE_PAGE_RANGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "daemon/page/page_size.h"

namespace pagemapd {

// Half-open range of page-aligned virtual addresses, in bytes. A plain value: nothing checks it
// until ValidateRange does.
struct PageRange {
  uint64_t start = 0;
  uint64_t end = 0;

  uint64_t Pages() const { return (end - start) >> kPageShift; }
  bool Empty() const { return start == end; }
  bool Contains(uint64_t address) const { return start <= address && address < end; }

  friend bool operator==(const PageRange& a, const PageRange& b) {
    return a.start == b.start && a.end == b.end;
  }
};

// "0x7f0000000000-0x7f0000001000".
std::string ToString(const PageRange& range);

// The part that both have; empty, at the later start, if none.
PageRange Intersect(const PageRange& a, const PageRange& b);

// INVALID_ARGUMENT, naming the range, if it is empty, reversed, not page aligned, or not within
// the user half of the address space. The user half ends at 2^56 - page size: TASK_SIZE_MAX with
// 5-level page tables (arch/x86/include/asm/page_64.h). The vsyscall page, the one page of the
// kernel half that maps shows, may be asked for by its exact range.
absl::Status ValidateRange(const PageRange& range);

// The same for byte offsets into an object, which reach to 2^63: the most that a file can have.
absl::Status ValidateObjectRange(const PageRange& range);

// Sorts, and merges what overlaps or touches. Each range must be valid.
std::vector<PageRange> Normalize(std::vector<PageRange> ranges);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PAGE_PAGE_RANGE_H_
