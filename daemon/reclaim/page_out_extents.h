#ifndef PAGEMAPD_DAEMON_RECLAIM_PAGE_OUT_EXTENTS_H_
#define PAGEMAPD_DAEMON_RECLAIM_PAGE_OUT_EXTENTS_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "daemon/page/page_size.h"
#include "daemon/reclaim/page_out_outcome.h"

namespace pagemapd {

// A run of pages with one outcome.
struct PageOutExtent {
  uint64_t start = 0;
  uint64_t pages = 0;
  PageOutOutcome outcome = PageOutOutcome::kUnknown;

  uint64_t End() const { return start + (pages << kPageShift); }
};

// Makes maximal extents of outcomes that come in address order. The last is held back until it is
// known where it ends. Not thread-safe.
class PageOutExtents {
 public:
  void Add(uint64_t start, uint64_t pages, PageOutOutcome outcome) {
    if (last_.pages > 0 && !ended_ && last_.outcome == outcome && last_.End() == start) {
      last_.pages += pages;
      return;
    }
    Flush();
    last_ = {start, pages, outcome};
    ended_ = false;
  }

  // What comes next is of another mapping.
  void EndMapping() { ended_ = true; }

  // Makes the one held back complete.
  void Flush() {
    if (last_.pages > 0) complete_.push_back(last_);
    last_ = PageOutExtent();
  }

  // The complete ones; to be cleared when taken.
  std::vector<PageOutExtent>& complete() { return complete_; }

 private:
  std::vector<PageOutExtent> complete_;
  PageOutExtent last_;
  bool ended_ = false;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_RECLAIM_PAGE_OUT_EXTENTS_H_
