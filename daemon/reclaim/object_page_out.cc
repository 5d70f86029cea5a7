#include "daemon/reclaim/object_page_out.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "daemon/sys/errno_status.h"
#include "daemon/sys/pidfd.h"

namespace pagemapd {
namespace {

// include/uapi/asm-generic/mman-common.h (Linux 5.14).
constexpr int kMadvPopulateRead = 22;

}  // namespace

void ObjectPageOut::Add(const PageRange& run) {
  if (!runs_.empty() && runs_.back().end == run.start) {
    runs_.back().end = run.end;
  } else {
    runs_.push_back(run);
  }
}

absl::Status ObjectPageOut::PageOut(const SharedObject& object, std::optional<uid_t> files_of,
                                    const std::function<bool()>& is_cancelled) {
  if (runs_.empty()) return absl::OkStatus();
  left_from_ = runs_.back().end;
  const absl::StatusOr<UniqueFd> self = OpenPidfd(getpid());
  if (!self.ok()) return self.status();
  const PageRange all = {runs_.front().start, runs_.back().end};
  void* const mapped = mmap(nullptr, all.end - all.start, PROT_READ, MAP_SHARED, object.fd(),
                            static_cast<off_t>(all.start));
  if (mapped == MAP_FAILED) {
    return ErrnoStatus(errno, absl::StrCat("mmap of the object's bytes ", ToString(all)));
  }
  const absl::Cleanup unmap = [&] { munmap(mapped, all.end - all.start); };
  const uint64_t base = reinterpret_cast<uint64_t>(mapped);
  advised_.Clear();
  for (const PageRange& run : runs_) {
    if (is_cancelled()) {
      left_from_ = all.start;
      return absl::CancelledError("page-out was cancelled");
    }
    const PageRange here = {base + (run.start - all.start), base + (run.end - all.start)};
    // EFAULT: the object was cut short meanwhile.
    if (madvise(reinterpret_cast<void*>(here.start), here.end - here.start, kMadvPopulateRead) !=
            0 &&
        errno != EFAULT) {
      return ErrnoStatus(
          errno, absl::StrCat("madvise MADV_POPULATE_READ of the object's bytes ", ToString(run)));
    }
    advised_.Add(here);
  }
  const absl::Status status = advised_.PageOut(*self, files_of, is_cancelled);
  if (absl::IsCancelled(status)) left_from_ = all.start + (advised_.left_from() - base);
  return status;
}

}  // namespace pagemapd
