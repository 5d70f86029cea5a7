#include "tests/testing/oracle.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "tests/testing/fd.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPageBytes = 4096;
constexpr long kSysCachestat = 451;  // Linux 6.5.
// Entries of a type from here on are migration, hwpoison and marker entries: MAX_SWAPFILES of the
// kernels with the most such types (include/linux/swap.h).
constexpr uint32_t kFirstTypeThatIsNoArea = 23;

TruePage FromPagemap(uint64_t entry) {
  TruePage page;
  if (entry >> 63 & 1) {
    page.state = TrueState::kMapped;
    page.pfn = entry & ((uint64_t{1} << 55) - 1);
  } else if (entry >> 62 & 1) {
    page.swap_type = entry & 31;
    page.swap_offset = entry >> 5 & ((uint64_t{1} << 50) - 1);
    page.has_slot = page.swap_type < kFirstTypeThatIsNoArea && (entry >> 58 & 1) == 0;
    page.state = page.has_slot ? TrueState::kSwapped : TrueState::kSpecial;
  }
  return page;
}

absl::StatusOr<ObjectCounts> Cachestat(int object_fd, uint64_t first_index, uint64_t pages) {
  struct {
    uint64_t offset, length;
  } range = {first_index * kPageBytes, pages * kPageBytes};
  struct {
    uint64_t cache, dirty, writeback, evicted, recently_evicted;
  } stat = {};
  if (syscall(kSysCachestat, object_fd, &range, &stat, 0) != 0) return ErrnoError("cachestat");
  return ObjectCounts{stat.cache, stat.evicted};
}

bool HasCachestat() {
  static const bool has = syscall(kSysCachestat, -1, nullptr, nullptr, 0) == 0 || errno != ENOSYS;
  return has;
}

// Which pages are resident; and of shmem, which are in swap, or also holes by mincore.
absl::Status ResidenceByCachestat(int object_fd, Backing backing, uint64_t first_index,
                                  std::vector<TruePage>* truth) {
  for (uint64_t i = 0; i < truth->size(); ++i) {
    absl::StatusOr<ObjectCounts> counts = Cachestat(object_fd, first_index + i, 1);
    if (!counts.ok()) return counts.status();
    if (counts->cached != 0) {
      (*truth)[i].state = TrueState::kCached;
    } else if (counts->evicted != 0 && backing == Backing::kShmem) {
      (*truth)[i].state = TrueState::kSwapped;
    }
  }
  return absl::OkStatus();
}

absl::Status ResidenceByMincore(int object_fd, Backing backing, uint64_t first_index,
                                std::vector<TruePage>* truth) {
  const uint64_t bytes = truth->size() * kPageBytes;
  std::vector<unsigned char> resident(truth->size());
  void* at = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, object_fd, first_index * kPageBytes);
  if (at == MAP_FAILED) return ErrnoError("mmap of the object");
  const int failed = mincore(at, bytes, resident.data());
  munmap(at, bytes);
  if (failed != 0) return ErrnoError("mincore");
  for (uint64_t i = 0; i < truth->size(); ++i) {
    if (resident[i] & 1) {
      (*truth)[i].state = TrueState::kCached;
    } else if (backing == Backing::kShmem) {
      (*truth)[i].state = TrueState::kSwapped;
    }
  }
  return absl::OkStatus();
}

}  // namespace

const char* Name(TrueState state) {
  switch (state) {
    case TrueState::kHole:
      return "hole";
    case TrueState::kMapped:
      return "mapped";
    case TrueState::kCached:
      return "cached";
    case TrueState::kSwapped:
      return "swapped";
    case TrueState::kSpecial:
      return "special";
  }
  return "?";
}

absl::StatusOr<std::vector<TruePage>> ObjectTruth(int object_fd, Backing backing,
                                                  uint64_t first_index, uint64_t pages) {
  std::vector<TruePage> truth(pages);
  absl::Status residence = HasCachestat()
                               ? ResidenceByCachestat(object_fd, backing, first_index, &truth)
                               : ResidenceByMincore(object_fd, backing, first_index, &truth);
  if (!residence.ok()) return residence;
  if (backing != Backing::kShmem) return truth;
  // Allocated but never written: in the page cache, and a hole all the same.
  off_t end = (first_index + pages) * kPageBytes;
  off_t at = first_index * kPageBytes;
  while (at < end) {
    off_t data = lseek(object_fd, at, SEEK_DATA);
    if (data < 0 && errno != ENXIO) return ErrnoError("SEEK_DATA");
    if (data < 0 || data > end) data = end;
    for (off_t hole = at; hole < data; hole += kPageBytes) {
      TruePage& page = truth[hole / kPageBytes - first_index];
      if (page.state == TrueState::kCached || !HasCachestat()) page.state = TrueState::kHole;
    }
    if (data == end) break;
    at = lseek(object_fd, data, SEEK_HOLE);
    if (at < 0) return ErrnoError("SEEK_HOLE");
    // The end of the file may lie within a page.
    at = (at + kPageBytes - 1) / kPageBytes * kPageBytes;
  }
  return truth;
}

absl::StatusOr<ObjectCounts> CountObject(int object_fd, uint64_t first_index, uint64_t pages) {
  if (HasCachestat()) return Cachestat(object_fd, first_index, pages);
  absl::StatusOr<std::vector<TruePage>> truth =
      ObjectTruth(object_fd, Backing::kShmem, first_index, pages);
  if (!truth.ok()) return truth.status();
  ObjectCounts counts;
  for (const TruePage& page : *truth) {
    counts.cached += page.state == TrueState::kCached;
    counts.evicted += page.state == TrueState::kSwapped;
  }
  return counts;
}

absl::StatusOr<std::vector<uint64_t>> ReadPagemap(pid_t pid, uint64_t address, uint64_t pages) {
  std::string path = absl::StrCat("/proc/", pid, "/pagemap");
  Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return ErrnoError("open " + path);
  std::vector<uint64_t> entries(pages);
  uint64_t done = 0;
  while (done < pages) {
    ssize_t got = pread(fd.get(), entries.data() + done, (pages - done) * 8,
                        (address / kPageBytes + done) * 8);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoError("read " + path);
    if (got == 0) return absl::UnavailableError("end of " + path);
    done += got / 8;
  }
  return entries;
}

absl::StatusOr<std::vector<TruePage>> ProcessTruth(pid_t pid, uint64_t address, uint64_t pages,
                                                   Backing backing, int object_fd,
                                                   uint64_t first_index) {
  absl::StatusOr<std::vector<uint64_t>> entries = ReadPagemap(pid, address, pages);
  if (!entries.ok()) return entries.status();
  std::vector<TruePage> object(pages);
  if (backing != Backing::kNone) {
    absl::StatusOr<std::vector<TruePage>> read =
        ObjectTruth(object_fd, backing, first_index, pages);
    if (!read.ok()) return read.status();
    object = *std::move(read);
  }
  std::vector<TruePage> truth(pages);
  for (uint64_t i = 0; i < pages; ++i) {
    truth[i] = FromPagemap((*entries)[i]);
    if (truth[i].state == TrueState::kHole) truth[i] = object[i];
  }
  return truth;
}

absl::StatusOr<uint64_t> ReadKpageflags(uint64_t pfn) {
  Fd fd(open("/proc/kpageflags", O_RDONLY | O_CLOEXEC));
  uint64_t flags;
  if (!fd || pread(fd.get(), &flags, 8, pfn * 8) != 8) return ErrnoError("read kpageflags");
  return flags;
}

}  // namespace pagemapd
