#include "daemon/reclaim/advised_pages.h"

#include <errno.h>

#include <algorithm>
#include <limits>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "daemon/page/page_size.h"
#include "daemon/sys/errno_status.h"
#include "daemon/sys/file_credentials.h"
#include "daemon/sys/process_madvise.h"

namespace pagemapd {
namespace {

uint64_t StartOf(const iovec& range) { return reinterpret_cast<uint64_t>(range.iov_base); }

void Skip(uint64_t bytes, iovec* range) {
  range->iov_base = static_cast<char*>(range->iov_base) + bytes;
  range->iov_len -= bytes;
}

absl::StatusOr<ProcessMadviseResult> AdvisePageOut(const UniqueFd& pidfd,
                                                   std::optional<uid_t> files_of,
                                                   absl::Span<const iovec> ranges) {
  const absl::StatusOr<FileCredentials> credentials = FileCredentials::ActAs(files_of);
  if (!credentials.ok()) return credentials.status();
  return ProcessMadvise(pidfd, ranges, kMadvPageout);
}

}  // namespace

void AdvisedPages::Add(const PageRange& range) {
  constexpr uint64_t kMostBytes = kMaxAdvisedPages << kPageShift;
  uint64_t start = range.start;
  if (!ranges_.empty() && StartOf(ranges_.back()) + ranges_.back().iov_len == start) {
    const uint64_t bytes = std::min(range.end - start, kMostBytes - ranges_.back().iov_len);
    ranges_.back().iov_len += bytes;
    start += bytes;
  }
  while (start < range.end) {
    const uint64_t bytes = std::min(range.end - start, kMostBytes);
    ranges_.push_back({reinterpret_cast<void*>(start), bytes});
    start += bytes;
  }
}

uint64_t AdvisedPages::left_from() const {
  return next_ < ranges_.size() ? StartOf(ranges_[next_]) : std::numeric_limits<uint64_t>::max();
}

absl::Status AdvisedPages::PageOut(const UniqueFd& pidfd, std::optional<uid_t> files_of,
                                   const std::function<bool()>& is_cancelled) {
  // 1 where it is to be found out which range the kernel will not have.
  size_t most = kMaxAdvisedRanges;
  while (next_ < ranges_.size()) {
    if (is_cancelled()) return absl::CancelledError("page-out was cancelled");
    size_t count = 0;
    uint64_t bytes = 0;
    for (; next_ + count < ranges_.size() && count < most; ++count) {
      bytes += ranges_[next_ + count].iov_len;
      if (count > 0 && bytes > kMaxAdvisedPages << kPageShift) break;
    }
    const auto batch = absl::MakeConstSpan(ranges_).subspan(next_, count);
    const auto result = AdvisePageOut(pidfd, files_of, batch);
    if (!result.ok()) return result.status();
    switch (result->error) {
      case 0:
        break;
      case EINTR:
      case EAGAIN:
        continue;
      case EACCES:
      case EPERM:
      case ESRCH:
        return ErrnoStatus(result->error, absl::StrCat("process_madvise MADV_PAGEOUT at 0x",
                                                       absl::Hex(StartOf(batch[0]))));
      default:
        if (count == 1) ++next_;
        most = 1;
        continue;
    }
    most = kMaxAdvisedRanges;
    uint64_t advised = result->advised_bytes;
    // An empty answer without an error would be asked for again for ever.
    if (advised == 0) ++next_;
    while (advised > 0 && next_ < ranges_.size()) {
      const uint64_t done = std::min<uint64_t>(advised, ranges_[next_].iov_len);
      Skip(done, &ranges_[next_]);
      advised -= done;
      if (ranges_[next_].iov_len == 0) ++next_;
    }
  }
  return absl::OkStatus();
}

}  // namespace pagemapd
