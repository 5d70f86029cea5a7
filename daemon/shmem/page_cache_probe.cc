#include "daemon/shmem/page_cache_probe.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "daemon/page/page_size.h"
#include "daemon/procfs/meminfo.h"
#include "daemon/sys/cachestat.h"
#include "daemon/sys/errno_status.h"

namespace pagemapd {
namespace {

// No object is larger: byte offsets are signed 64-bit.
constexpr uint64_t kEndIndex = uint64_t{1} << (63 - kPageShift);

bool Unsettled(PageRecord record) { return record.state() == PageState::kUnsettled; }

bool MappedFromFile(PageRecord record) {
  return record.state() == PageState::kMapped && (record.flags() & kFlagFile) != 0;
}

// Offset of `whence` (SEEK_DATA or SEEK_HOLE) from page `index` on, in bytes; past every page if
// there is none. Only for objects that can seek.
uint64_t Seek(int fd, uint64_t index, int whence) {
  const off_t found = lseek(fd, static_cast<off_t>(index << kPageShift), whence);
  // ENXIO: at or past the end of the file, or no data from here on.
  return found < 0 ? kEndIndex << kPageShift : static_cast<uint64_t>(found);
}

// A page that holds any data is data.
uint64_t NextData(int fd, uint64_t index) { return Seek(fd, index, SEEK_DATA) >> kPageShift; }
uint64_t NextHole(int fd, uint64_t index) {
  return (Seek(fd, index, SEEK_HOLE) + kPageSizeBytes - 1) >> kPageShift;
}

// One call of Resolve.
class Resolver {
 public:
  Resolver(const SharedObject& object, uint64_t first_index, absl::Span<PageRecord> records)
      : object_(object), first_index_(first_index), records_(records) {}

  absl::Status ByCachestat(bool may_count);
  absl::Status ByMincore(const ProcRoot& root);
  void Hugetlb();

  bool counted() const { return counted_; }

  void Settle(size_t begin, size_t end, PageState state, PageSource source) {
    const PageFlags file =
        state == PageState::kCached || state == PageState::kSwapped ? kFlagFile : 0;
    for (size_t i = begin; i < end; ++i) {
      if (!Unsettled(records_[i])) continue;
      records_[i] = PageRecord(state, source, records_[i].flags() | file);
    }
  }

 private:
  bool IsTmpfs() const { return object_.kind() == SharedObject::Kind::kTmpfs; }

  // Calls `visit` for each maximal run of [begin, end) that starts and ends with an unsettled page
  // and holds only pages for which `inside` is true.
  template <typename Inside, typename Visit>
  absl::Status ForEachRun(size_t begin, size_t end, Inside inside, Visit visit);

  absl::Status Bisect(size_t begin, size_t end);
  absl::Status BisectHalf(size_t begin, size_t end);
  void SettleResident(size_t begin, size_t end);
  void SettleAbsent(size_t begin, size_t end);

  const SharedObject& object_;
  const uint64_t first_index_;
  const absl::Span<PageRecord> records_;
  bool counted_ = false;
};

template <typename Inside, typename Visit>
absl::Status Resolver::ForEachRun(size_t begin, size_t end, Inside inside, Visit visit) {
  for (size_t i = begin; i < end;) {
    if (!Unsettled(records_[i])) {
      ++i;
      continue;
    }
    const size_t first = i;
    size_t last = i;
    for (; i < end && (Unsettled(records_[i]) || inside(records_[i])); ++i) {
      if (Unsettled(records_[i])) last = i;
    }
    if (absl::Status status = visit(first, last + 1); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Resolver::ByCachestat(bool may_count) {
  return ForEachRun(
      0, records_.size(),
      [may_count](PageRecord record) { return may_count && MappedFromFile(record); },
      [this](size_t begin, size_t end) { return Bisect(begin, end); });
}

// [begin, end) holds unsettled pages, both ends among them, and pages mapped from the file.
absl::Status Resolver::Bisect(size_t begin, size_t end) {
  const uint64_t pages = end - begin;
  uint64_t unsettled = 0;
  for (size_t i = begin; i < end; ++i) unsettled += Unsettled(records_[i]);
  const uint64_t mapped = pages - unsettled;
  CacheStat stat;
  const int error = CacheStatOf(object_.fd(), (first_index_ + begin) << kPageShift,
                                pages << kPageShift, &stat);
  if (error != 0) {
    return ErrnoStatus(error, absl::StrCat("cachestat of ", pages, " pages from page ",
                                           first_index_ + begin));
  }
  // On a disk filesystem what was evicted is a shadow of the page, not a page in swap.
  const uint64_t swapped = IsTmpfs() ? stat.evicted : 0;
  if (swapped == 0 && stat.cache == mapped) {
    Settle(begin, end, PageState::kHole, PageSource::kCachestat);
  } else if (swapped == unsettled && stat.cache == mapped) {
    Settle(begin, end, PageState::kSwapped, PageSource::kCachestat);
  } else if (swapped == 0 && stat.cache == pages) {
    SettleResident(begin, end);
    // Every page was seen resident: nothing was concluded from the mapped ones.
    return absl::OkStatus();
  } else if (pages == 1) {
    Settle(begin, end, PageState::kUnknown, PageSource::kCachestat);
  } else if (mapped > 0 && pages <= 16) {
    // Too mixed for counting to pay: ask for the unsettled runs alone.
    return ForEachRun(begin, end, [](PageRecord) { return false; },
                      [this](size_t b, size_t e) { return Bisect(b, e); });
  } else {
    const size_t middle = begin + pages / 2;
    if (absl::Status status = BisectHalf(begin, middle); !status.ok()) return status;
    return BisectHalf(middle, end);
  }
  counted_ |= mapped > 0;
  return absl::OkStatus();
}

absl::Status Resolver::BisectHalf(size_t begin, size_t end) {
  while (begin < end && !Unsettled(records_[begin])) ++begin;
  while (begin < end && !Unsettled(records_[end - 1])) --end;
  return begin < end ? Bisect(begin, end) : absl::OkStatus();
}

// All of [begin, end) is in the page cache. On tmpfs a page may be there without ever having been
// written: fallocate put it there. lseek knows.
void Resolver::SettleResident(size_t begin, size_t end) {
  if (!IsTmpfs()) {
    Settle(begin, end, PageState::kCached, PageSource::kCachestat);
    return;
  }
  for (size_t i = begin; i < end;) {
    const size_t hole = std::min<uint64_t>(
        std::max(NextHole(object_.fd(), first_index_ + i), first_index_ + i) - first_index_, end);
    Settle(i, hole, PageState::kCached, PageSource::kCachestat);
    if (hole == end) break;
    i = std::min<uint64_t>(
        std::max(NextData(object_.fd(), first_index_ + hole), first_index_ + hole) - first_index_,
        end);
    // Data again at once: it was written between the two calls.
    if (i == hole) i = hole + 1;
    Settle(hole, i, PageState::kHole, PageSource::kSeek);
  }
}

// Nothing of [begin, end) is resident.
void Resolver::SettleAbsent(size_t begin, size_t end) {
  if (!IsTmpfs()) {
    Settle(begin, end, PageState::kHole, PageSource::kMincore);
    return;
  }
  for (size_t i = begin; i < end;) {
    const size_t data =
        std::min<uint64_t>(NextData(object_.fd(), first_index_ + i) - first_index_, end);
    Settle(i, data, PageState::kHole, PageSource::kSeek);
    if (data == end) break;
    i = std::min<uint64_t>(
        std::max(NextHole(object_.fd(), first_index_ + data) - first_index_, data + 1), end);
    Settle(data, i, PageState::kSwapped, PageSource::kMincore);
  }
}

absl::Status Resolver::ByMincore(const ProcRoot& root) {
  constexpr size_t kWindowPages = 4096;
  std::array<unsigned char, kWindowPages> resident;
  for (size_t begin = 0; begin < records_.size(); begin += kWindowPages) {
    const size_t end = std::min(begin + kWindowPages, records_.size());
    const size_t bytes = (end - begin) << kPageShift;
    void* window = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, object_.fd(),
                        static_cast<off_t>((first_index_ + begin) << kPageShift));
    if (window == MAP_FAILED) {
      return ErrnoStatus(errno, absl::StrCat("mmap of ", end - begin, " pages from page ",
                                             first_index_ + begin));
    }
    // A page that is swapped and has a copy in the swap cache counts as resident.
    bool exact = !IsTmpfs() || SwapCachedBytes(root).value_or(1) == 0;
    const int error = mincore(window, bytes, resident.data()) == 0 ? 0 : errno;
    exact = exact && (!IsTmpfs() || SwapCachedBytes(root).value_or(1) == 0);
    munmap(window, bytes);
    if (error != 0) {
      return ErrnoStatus(error, absl::StrCat("mincore of ", end - begin, " pages from page ",
                                             first_index_ + begin));
    }
    for (size_t i = begin; i < end;) {
      const bool is_resident = resident[i - begin] & 1;
      const size_t first = i;
      while (i < end && (resident[i - begin] & 1) == is_resident) ++i;
      if (!is_resident) {
        if (absl::Status status = ForEachRun(first, i, [](PageRecord) { return false; },
                                             [this](size_t b, size_t e) {
                                               SettleAbsent(b, e);
                                               return absl::OkStatus();
                                             });
            !status.ok()) {
          return status;
        }
      } else {
        Settle(first, i, exact ? PageState::kCached : PageState::kUnknown, PageSource::kMincore);
      }
    }
  }
  return absl::OkStatus();
}

// A hugetlbfs inode counts its blocks: none, and no page exists that this process does not map.
void Resolver::Hugetlb() {
  struct stat st;
  const bool empty = fstat(object_.fd(), &st) == 0 && st.st_blocks == 0;
  Settle(0, records_.size(), empty ? PageState::kHole : PageState::kUnknown, PageSource::kNone);
}

}  // namespace

absl::StatusOr<PageCacheProbe::Resolution> PageCacheProbe::Resolve(
    const SharedObject& object, uint64_t first_index, absl::Span<PageRecord> records,
    bool may_count) const {
  Resolver resolver(object, first_index, records);
  if (first_index >= kEndIndex || records.size() > kEndIndex - first_index) {
    resolver.Settle(0, records.size(), PageState::kUnknown, PageSource::kNone);
    return Resolution{};
  }
  if (object.kind() == SharedObject::Kind::kHugetlb) {
    resolver.Hugetlb();
    return Resolution{};
  }
  absl::Status status = method_ == Method::kCachestat ? resolver.ByCachestat(may_count)
                                                      : resolver.ByMincore(root_);
  if (!status.ok()) return status;
  return Resolution{resolver.counted()};
}

uint64_t PageCacheProbe::SkipHoles(const SharedObject& object, uint64_t index,
                                   uint64_t limit) const {
  if (index >= limit || limit > kEndIndex) return index;
  switch (object.kind()) {
    case SharedObject::Kind::kTmpfs:
      return NextData(object.fd(), index);
    case SharedObject::Kind::kDisk: {
      CacheStat stat;
      const bool empty = method_ == Method::kCachestat &&
                         CacheStatOf(object.fd(), index << kPageShift,
                                     (limit - index) << kPageShift, &stat) == 0 &&
                         stat.cache == 0;
      return empty ? limit : index;
    }
    case SharedObject::Kind::kHugetlb:
      break;
  }
  return index;
}

}  // namespace pagemapd
