#ifndef PAGEMAPD_TESTS_TESTING_MEMORY_REGION_H_
#define PAGEMAPD_TESTS_TESTING_MEMORY_REGION_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tests/testing/fd.h"
#include "tests/testing/oracle.h"
#include "tests/testing/page_mix.h"
#include "tests/testing/target_process.h"
#include "tests/testing/undo_entry.h"

namespace pagemapd {

enum class MemoryKind {
  kMemfd,
  kDevShm,
  kSysV,
  kSharedAnon,
  kPrivateAnon,
  // MAP_PRIVATE of a memfd.
  kPrivateMemfd,
  // MAP_SHARED of a file on disk.
  kDiskFile,
  // Shared and private hugetlb; take nr_hugepages first (Knob).
  kHugetlbShared,
  kHugetlbPrivate,
};
const char* Name(MemoryKind kind);

// Memory of one kind, mapped once in a target.
struct MemoryRegion {
  MemoryKind kind = MemoryKind::kMemfd;
  uint64_t address = 0;
  uint64_t pages = 0;
  Backing backing = Backing::kNone;
  // The object, opened by the test, and the index in it of the region's first page. No descriptor
  // for private anonymous memory.
  Fd object;
  uint64_t first_index = 0;
  // Where the object has a name that must go.
  UndoEntry undo_file;
};

// Maps `pages` untouched pages.
absl::StatusOr<MemoryRegion> MapRegion(const TargetProcess& target, MemoryKind kind,
                                       uint64_t pages);

// What can be wished of a page of this kind.
absl::Span<const PageWish> WishesFor(MemoryKind kind);

// Makes the pages become what `plan` wishes, one wish a page; for hugetlb, one wish a huge page,
// taken from its first. For kPrivateMemfd the plan is for the object's pages; a quarter of them are
// then written through the private mapping, and a part of those copies paged out.
absl::Status Shape(const TargetProcess& target, const MemoryRegion& region,
                   absl::Span<const PageWish> plan);

// Pages out runs of a region; again what stayed, since pages that wait in a CPU's LRU batch are
// passed over.
absl::Status PageOutRuns(const TargetProcess& target, uint64_t address,
                         absl::Span<const PageRun> runs);

// The oracle's word on a region, in either view.
absl::StatusOr<std::vector<TruePage>> TruthOf(pid_t pid, const MemoryRegion& region,
                                              bool object_view);

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_TESTING_MEMORY_REGION_H_
