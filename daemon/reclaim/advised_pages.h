#ifndef PAGEMAPD_DAEMON_RECLAIM_ADVISED_PAGES_H_
#define PAGEMAPD_DAEMON_RECLAIM_ADVISED_PAGES_H_

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "daemon/page/page_range.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {

// Ranges of a process that MADV_PAGEOUT is to be given. Keeps its storage from one use to the next.
// Not thread-safe.
class AdvisedPages {
 public:
  void Clear() {
    ranges_.clear();
    next_ = 0;
  }
  bool empty() const { return ranges_.empty(); }

  // Adds a range, behind those there are. One that begins where the last ended becomes part of it.
  void Add(const PageRange& range);

  // Gives MADV_PAGEOUT to all of them, in calls of at most kMaxAdvisedRanges ranges and
  // kMaxAdvisedPages pages. What the kernel will not have (a mapping that is gone, or locked) is
  // passed over: what became of a page is for the caller to find out. Between two calls it ends
  // with CANCELLED if `is_cancelled()`.
  //
  // `files_of`, if set: in the name of this user (FileCredentials), so that of files which that one
  // may not write, and which the process may map until the call, nothing is paged out but private
  // copies.
  //
  // NOT_FOUND: the process is gone. PERMISSION_DENIED: CAP_SYS_NICE or CAP_SYS_PTRACE is missing.
  absl::Status PageOut(const UniqueFd& pidfd, std::optional<uid_t> files_of,
                       const std::function<bool()>& is_cancelled);

  // Where what the kernel was not given yet begins; the largest number if it was given all.
  uint64_t left_from() const;

  // What one call may take until it can be cancelled: 16 MiB.
  static constexpr uint64_t kMaxAdvisedPages = 4096;

 private:
  std::vector<iovec> ranges_;
  // Those before it were given to the kernel, or passed over.
  size_t next_ = 0;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_RECLAIM_ADVISED_PAGES_H_
