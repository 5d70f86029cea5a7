#ifndef PAGEMAPD_DAEMON_RECLAIM_OBJECT_PAGE_OUT_H_
#define PAGEMAPD_DAEMON_RECLAIM_OBJECT_PAGE_OUT_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "daemon/page/page_range.h"
#include "daemon/reclaim/advised_pages.h"
#include "daemon/shmem/shared_object.h"

namespace pagemapd {

// Pages out pages of an object that are in no page table, by which MADV_PAGEOUT goes: maps them
// here for as long as it takes. The kernel leaves those that a process maps. Keeps its storage. Not
// thread-safe.
class ObjectPageOut {
 public:
  void Clear() {
    runs_.clear();
    left_from_ = 0;
  }
  bool empty() const { return runs_.empty(); }

  // Adds pages, as byte offsets into the object, behind those there are. They must be in RAM: of
  // what is not, a page in swap would be read and a hole be filled.
  void Add(const PageRange& run);

  // As AdvisedPages::PageOut. What became of a page is for the caller to find out. An error also
  // where nothing can be mapped (ENOMEM) or the kernel has no MADV_POPULATE_READ (Linux 5.14).
  absl::Status PageOut(const SharedObject& object, std::optional<uid_t> files_of,
                       const std::function<bool()>& is_cancelled);

  // Where what was not tried begins, because it was cancelled: a byte offset into the object.
  uint64_t left_from() const { return left_from_; }

 private:
  std::vector<PageRange> runs_;
  uint64_t left_from_ = 0;
  AdvisedPages advised_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_RECLAIM_OBJECT_PAGE_OUT_H_
