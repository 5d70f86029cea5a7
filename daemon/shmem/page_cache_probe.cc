#include "daemon/shmem/page_cache_probe.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "daemon/page/page_size.h"
#include "daemon/procfs/meminfo.h"
#include "daemon/shmem/object_mincore.h"
#include "daemon/sys/cachestat.h"
#include "daemon/sys/errno_status.h"

namespace pagemapd {
namespace {

// First page at or after `index` that holds any data; past every page if there is none. Only for
// objects that can seek. SEEK_HOLE is of no use here: it walks all data up to the next hole,
// however far that is.
uint64_t NextData(int fd, uint64_t index) {
  const off_t found = lseek(fd, static_cast<off_t>(index << kPageShift), SEEK_DATA);
  // ENXIO: at or past the end of the file, or no data from here on.
  return found < 0 ? SharedObject::kEndIndex : static_cast<uint64_t>(found) >> kPageShift;
}

// Whether the page cache has neither a page nor, on tmpfs, a swap entry in [begin, end). On a disk
// filesystem evicted pages left shadows, which are nothing.
bool HoldsNothing(const SharedObject& object, uint64_t begin, uint64_t end) {
  CacheStat stat;
  return CacheStatOf(object.fd(), begin << kPageShift, (end - begin) << kPageShift, &stat) == 0 &&
         stat.cache == 0 && (stat.evicted == 0 || object.kind() == SharedObject::Kind::kDisk);
}

// One call of Resolve.
class Resolver {
 public:
  Resolver(const SharedObject& object, uint64_t first_index, absl::Span<PageRecord> records)
      : object_(object), first_index_(first_index), records_(records) {}

  absl::Status ByCachestat(bool may_count);
  absl::Status ByMincore(const ProcRoot& root, bool not_swapped);
  void Hugetlb();

  PageCacheProbe::Resolution resolution() const { return resolution_; }

  void Settle(size_t begin, size_t end, PageState state, PageSource source) {
    const PageFlags file =
        state == PageState::kCached || state == PageState::kSwapped ? kFlagFile : 0;
    for (size_t i = begin; i < end; ++i) {
      if (!records_[i].unsettled()) continue;
      records_[i] = PageRecord(state, source, records_[i].flags() | file);
    }
  }

 private:
  bool IsTmpfs() const { return object_.kind() == SharedObject::Kind::kTmpfs; }

  // End of the window that begins at `begin`, an unsettled page: at most `pages` long, just behind
  // its last unsettled page, holding nothing but unsettled pages and, with `count`, pages mapped
  // from the file.
  size_t WindowEnd(size_t begin, size_t pages, bool count) const;
  // Settles a window by one call; false if its pages are not of one state.
  absl::StatusOr<bool> SettleWindow(size_t begin, size_t end);
  absl::Status SettleResident(size_t begin, size_t end);
  void SettleByData(size_t begin, size_t end, PageState with_data, PageSource source);

  const SharedObject& object_;
  const uint64_t first_index_;
  const absl::Span<PageRecord> records_;
  PageCacheProbe::Resolution resolution_;
};

size_t Resolver::WindowEnd(size_t begin, size_t pages, bool count) const {
  const size_t limit = std::min(records_.size(), begin + pages);
  size_t end = begin + 1;
  for (size_t i = end; i < limit; ++i) {
    if (records_[i].unsettled()) {
      end = i + 1;
    } else if (!count || !records_[i].mapped_from_file()) {
      break;
    }
  }
  return end;
}

absl::Status Resolver::ByCachestat(bool may_count) {
  // Windows shrink where pages are mixed and grow where they are not. At the largest a call's own
  // cost is spread over enough pages; larger ones would cost more where they fail, since a call
  // looks at every page, and at a swapped one for long.
  constexpr size_t kLargestWindow = 256;
  constexpr size_t kSmallWindow = 32;
  constexpr size_t kShrink = 8;
  // A call costs as much as looking at some sixteen cached pages: counting pays where there are
  // more runs of unsettled pages than that.
  uint64_t mapped = 0;
  uint64_t runs = 0;
  for (size_t i = 0; i < records_.size(); ++i) {
    mapped += records_[i].mapped_from_file();
    runs += records_[i].unsettled() && (i == 0 || !records_[i - 1].unsettled());
  }
  may_count = may_count && runs * 16 > mapped;
  // The first look is at all: much is of one state.
  size_t window = may_count ? kLargestWindow : records_.size();
  for (size_t i = 0; i < records_.size();) {
    if (!records_[i].unsettled()) {
      ++i;
      continue;
    }
    const size_t end = WindowEnd(i, window, may_count && window > kSmallWindow);
    absl::StatusOr<bool> settled = SettleWindow(i, end);
    if (!settled.ok()) return settled.status();
    if (*settled) {
      i = end;
      window =
          std::min(std::max(window, 2 * std::min(window, kLargestWindow / 2)), records_.size());
    } else if (end - i == 1) {
      Settle(i, end, PageState::kUnknown, PageSource::kCachestat);
    } else {
      window = std::max<size_t>(std::min(end - i, kLargestWindow * kShrink) / kShrink, 1);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> Resolver::SettleWindow(size_t begin, size_t end) {
  const uint64_t pages = end - begin;
  uint64_t unsettled = 0;
  for (size_t i = begin; i < end; ++i) unsettled += records_[i].unsettled();
  const uint64_t mapped = pages - unsettled;
  CacheStat stat;
  const int error =
      CacheStatOf(object_.fd(), (first_index_ + begin) << kPageShift, pages << kPageShift, &stat);
  if (error != 0) {
    return ErrnoStatus(
        error, absl::StrCat("cachestat of ", pages, " pages from page ", first_index_ + begin));
  }
  // On a disk filesystem what was evicted is a shadow of the page, not a page in swap.
  const uint64_t swapped = IsTmpfs() ? stat.evicted : 0;
  if (swapped == 0 && stat.cache == pages) {
    // Every page was seen resident: nothing is concluded from the mapped ones.
    if (absl::Status status = SettleResident(begin, end); !status.ok()) return status;
    return true;
  }
  if (stat.cache != mapped || (swapped != 0 && swapped != unsettled)) return false;
  Settle(begin, end, swapped == 0 ? PageState::kHole : PageState::kSwapped, PageSource::kCachestat);
  resolution_.counted |= mapped > 0;
  return true;
}

// All of [begin, end) is in the page cache. On tmpfs a page may be there without ever having been
// written: fallocate put it there. Such a page is not up to date, and to SEEK_DATA it is a hole and
// to mincore not resident.
absl::Status Resolver::SettleResident(size_t begin, size_t end) {
  constexpr size_t kFewPages = 16;
  if (!IsTmpfs()) {
    Settle(begin, end, PageState::kCached, PageSource::kCachestat);
    return absl::OkStatus();
  }
  if (end - begin < kFewPages) {
    SettleByData(begin, end, PageState::kCached, PageSource::kCachestat);
    return absl::OkStatus();
  }
  std::array<unsigned char, kMincorePages> resident;
  for (; begin < end; begin += std::min(kMincorePages, end - begin)) {
    const size_t pages = std::min(kMincorePages, end - begin);
    absl::Status status =
        MincoreOfObject(object_.fd(), first_index_ + begin, pages, resident.data());
    if (!status.ok()) return status;
    for (size_t i = 0; i < pages;) {
      const size_t first = i;
      const bool written = resident[i] & 1;
      while (i < pages && (resident[i] & 1) == written) ++i;
      if (written) {
        Settle(begin + first, begin + i, PageState::kCached, PageSource::kCachestat);
      } else {
        SettleByData(begin + first, begin + i, PageState::kCached, PageSource::kCachestat);
      }
    }
  }
  return absl::OkStatus();
}

// Settles pages that hold data as `with_data`, the others as holes.
void Resolver::SettleByData(size_t begin, size_t end, PageState with_data, PageSource source) {
  for (size_t i = begin; i < end;) {
    if (!records_[i].unsettled()) {
      ++i;
      continue;
    }
    const uint64_t index = first_index_ + i;
    const size_t data =
        i + std::min<uint64_t>(std::max(NextData(object_.fd(), index), index) - index, end - i);
    Settle(i, data, PageState::kHole, PageSource::kSeek);
    if (data < end) Settle(data, data + 1, with_data, source);
    i = data + 1;
  }
}

absl::Status Resolver::ByMincore(const ProcRoot& root, bool not_swapped) {
  resolution_.presumed = IsTmpfs() && not_swapped;
  // Data of tmpfs that is not in RAM is in swap. If it is known not to be, it came to RAM just now,
  // or was lost: the kernel keeps an entry of a kind of its own for what it could not read back.
  const PageState absent = not_swapped ? PageState::kUnknown : PageState::kSwapped;
  const bool is_exact = !IsTmpfs() || not_swapped;
  std::array<unsigned char, kMincorePages> resident;
  for (size_t begin = 0; begin < records_.size(); begin += kMincorePages) {
    const size_t pages = std::min(kMincorePages, records_.size() - begin);
    // A page that is swapped and has a copy in the swap cache counts as resident.
    bool exact = is_exact || SwapCacheIsEmpty(root);
    absl::Status status =
        MincoreOfObject(object_.fd(), first_index_ + begin, pages, resident.data());
    if (!status.ok()) return status;
    exact = exact && (is_exact || SwapCacheIsEmpty(root));
    for (size_t i = 0; i < pages;) {
      const size_t first = i;
      const bool is_resident = resident[i] & 1;
      while (i < pages && (resident[i] & 1) == is_resident) ++i;
      if (is_resident) {
        Settle(begin + first, begin + i, exact ? PageState::kCached : PageState::kUnknown,
               PageSource::kMincore);
      } else if (IsTmpfs()) {
        SettleByData(begin + first, begin + i, absent, PageSource::kMincore);
      } else {
        Settle(begin + first, begin + i, PageState::kHole, PageSource::kMincore);
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

absl::StatusOr<PageCacheProbe::Resolution> PageCacheProbe::Resolve(const SharedObject& object,
                                                                   uint64_t first_index,
                                                                   absl::Span<PageRecord> records,
                                                                   Known known) const {
  Resolver resolver(object, first_index, records);
  if (first_index >= SharedObject::kEndIndex ||
      records.size() > SharedObject::kEndIndex - first_index) {
    resolver.Settle(0, records.size(), PageState::kUnknown, PageSource::kNone);
    return Resolution{};
  }
  if (object.kind() == SharedObject::Kind::kHugetlb) {
    resolver.Hugetlb();
    return Resolution{};
  }
  absl::Status status = method_ == Method::kCachestat
                            ? resolver.ByCachestat(known.may_count)
                            : resolver.ByMincore(root_, known.not_swapped);
  if (!status.ok()) return status;
  return resolver.resolution();
}

uint64_t PageCacheProbe::SkipHoles(const SharedObject& object, uint64_t index,
                                   uint64_t limit) const {
  if (index >= limit || limit > SharedObject::kEndIndex) return index;
  switch (object.kind()) {
    case SharedObject::Kind::kTmpfs: {
      const uint64_t next = NextData(object.fd(), index);
      // A hole all through: pages that were fallocated are for Resolve to look at.
      return next == index || method_ == Method::kMincore ||
                     HoldsNothing(object, index, std::min(next, limit))
                 ? next
                 : index;
    }
    case SharedObject::Kind::kDisk:
      return method_ == Method::kCachestat && HoldsNothing(object, index, limit) ? limit : index;
    case SharedObject::Kind::kHugetlb:
      break;
  }
  return index;
}

}  // namespace pagemapd
