#include "daemon/shmem/object_mincore.h"

#include <errno.h>
#include <sys/mman.h>

#include "absl/strings/str_cat.h"
#include "daemon/page/page_size.h"
#include "daemon/sys/errno_status.h"

namespace pagemapd {

absl::Status MincoreOfObject(int fd, uint64_t index, size_t pages, unsigned char* resident) {
  const size_t bytes = pages << kPageShift;
  void* window =
      mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(index << kPageShift));
  if (window == MAP_FAILED) {
    return ErrnoStatus(errno, absl::StrCat("mmap of ", pages, " pages from page ", index));
  }
  const int error = mincore(window, bytes, resident) == 0 ? 0 : errno;
  munmap(window, bytes);
  if (error == 0) return absl::OkStatus();
  return ErrnoStatus(error, absl::StrCat("mincore of ", pages, " pages from page ", index));
}

}  // namespace pagemapd
