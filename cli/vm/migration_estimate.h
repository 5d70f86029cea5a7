#ifndef PAGEMAPD_CLI_VM_MIGRATION_ESTIMATE_H_
#define PAGEMAPD_CLI_VM_MIGRATION_ESTIMATE_H_

#include <cstdint>
#include <map>
#include <string>

#include "pagemapd/v1/pagemap_service.pb.h"

namespace pagemapd {

// What reading a page that does not exist does, as the source of a migration reads every page.
enum class HoleRead {
  // A page of zeros is allocated: shared memory (mm/shmem.c: shmem_fault), whoever maps it how.
  kAllocates,
  // The zero page that all share is mapped: private memory (mm/memory.c: do_anonymous_page).
  kZeroPage,
  // The page is read from a file on disk into the page cache.
  kReadsFile,
  // A huge page is taken from its pool.
  kTakesHugePage,
  kUnknown,
};

HoleRead HoleReadOf(v1::MappingKind kind);
// "allocates", "zero_page", "reads_file", "takes_huge_page", "unknown".
const char* HoleReadName(HoleRead what);

// What a swap slot is a place in.
enum class SwapHome { kZram, kDevice, kFile, kUnknown };

SwapHome SwapHomeOf(const v1::SwapArea& area);
// "zram", "device", "file", "unknown".
const char* SwapHomeName(SwapHome home);

// Swapped pages of one area.
struct SwappedPages {
  uint64_t pages = 0;
  // Of these, with a copy still in RAM.
  uint64_t with_copy = 0;
};

// What a migration would meet of some memory, in pages.
struct MigrationEstimate {
  v1::PageCounts counts;
  // By swap type; kNoType for those whose area is not told.
  std::map<int64_t, SwappedPages> swapped;
  // Swapped pages of which it is not told whether there is a copy: those of private memory.
  uint64_t copy_not_told = 0;
  // To be read from swap: at most, where copy_not_told is not 0.
  uint64_t to_read = 0;
  // With content as far as is known: not holes.
  uint64_t to_send = 0;
  // Holes that reading allocates a page for.
  uint64_t to_grow = 0;
  // Neither read nor sent: the migration leaves shared memory out.
  uint64_t left_out = 0;

  static constexpr int64_t kNoType = -1;

  // Counts an extent of the answer. `copies_told`: its flags say whether a copy is in RAM.
  void Add(const v1::PageExtent& extent, bool copies_told);
  // After the last extent: what follows from these `counts`, of memory of that kind.
  void Conclude(const v1::PageCounts& all, v1::MappingKind kind, bool leave_out);
  void Add(const MigrationEstimate& other);

  uint64_t resident() const { return counts.mapped() + counts.cached(); }
  uint64_t with_copy() const;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VM_MIGRATION_ESTIMATE_H_
