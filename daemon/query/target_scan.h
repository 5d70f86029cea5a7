#ifndef PAGEMAPD_DAEMON_QUERY_TARGET_SCAN_H_
#define PAGEMAPD_DAEMON_QUERY_TARGET_SCAN_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/page/page_range.h"
#include "daemon/page/page_record.h"
#include "daemon/procfs/idle_pages.h"
#include "daemon/procfs/kpageflags.h"
#include "daemon/procfs/pagemap.h"
#include "daemon/procfs/pagemap_knob.h"
#include "daemon/procfs/proc_root.h"
#include "daemon/procfs/process.h"
#include "daemon/query/kernel_features.h"
#include "daemon/query/mapped_ranges.h"
#include "daemon/query/mapping_kind.h"
#include "daemon/query/scan_spec.h"
#include "daemon/query/scan_statistics.h"
#include "daemon/query/segment.h"
#include "daemon/query/target_access.h"
#include "daemon/shmem/object_resolver.h"
#include "daemon/shmem/shared_object.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {

// What every scan of the daemon works with. Immutable; outlives all scans.
struct ScanEnvironment {
  ProcRoot root;
  KernelFeatures features;
  // Absent where /proc/kpageflags cannot be read.
  std::optional<KPageFlags> kpageflags;
  // While it says "full", pagemap shows every swapped page of a shared mapping of tmpfs, and that
  // is made use of: the source kMarker. Absent: it is not, whatever the kernel shows. Takes
  // KernelFeatures::locations.
  std::optional<PagemapKnob> marker_knob = std::nullopt;
  // Absent where the kernel does not track idle pages, or the daemon may not ask.
  std::optional<IdlePages> idle_pages = std::nullopt;
  // Added to by every scan, where set.
  ScanStatistics* statistics = nullptr;
};

struct TargetQuery {
  pid_t pid = 0;
  // 0: whoever has the pid.
  uint64_t start_time_ticks = 0;
  // Any order; none: everything mapped, or the whole object.
  std::vector<PageRange> ranges;
  // Not the process's mappings but the tmpfs object that it maps at this address; the ranges are
  // then byte offsets into it. For the object view.
  std::optional<uint64_t> object_address = std::nullopt;
  // Without one, nothing is told.
  AccessCheck access = nullptr;
};

// A piece of work for one worker: at most TargetScan::ChunkPages pages of one segment, or any
// number of pages that are known already to share one record.
struct Chunk {
  std::shared_ptr<const Segment> segment;
  PageRange range;
  std::optional<PageRecord> known;
};

// The pages of one process that a query is about: holds the process, plans the chunks, and tells
// at the end whether what was scanned is still the same. Errors are TargetErrors.
class TargetScan {
 public:
  static absl::StatusOr<std::shared_ptr<TargetScan>> Open(const ScanEnvironment& environment,
                                                          const ScanSpec& spec, TargetQuery query);

  // The next chunk in address order; false at the end. Long holes come as one chunk. One thread
  // at a time.
  absl::StatusOr<bool> NextChunk(ObjectResolver& resolver, Chunk* chunk);

  // Checks that it still is the process that Open found, and tells whether its mappings are still
  // those that NextChunk returned; of an object there is nothing to check, since it is held open.
  // Call once, after the last chunk was scanned.
  absl::StatusOr<bool> MappingsChanged();

  // An error if the process has exited or called exec. Any thread.
  absl::Status CheckProcess() const;
  // The same at the price of one read: whether the address space, which must be user memory at
  // `address`, still is there. Only with a pagemap. Any thread.
  absl::Status CheckAddressSpace(uint64_t address) const;

  const ScanEnvironment& environment() const { return environment_; }
  // Without what access_ does not allow.
  const ScanSpec& spec() const { return spec_; }
  const TargetAccess& access() const { return access_; }
  // What was asked for and is not told.
  bool redacts_locations() const { return redacts_locations_; }
  bool redacts_frame_flags() const { return redacts_frame_flags_; }
  const Process& process() const { return *process_; }
  // While this says "full", pagemap tells of every page of `segment` whether it is in swap. Null
  // where it does not, or is not to be relied on.
  const PagemapKnob* marker_knob(const Segment& segment) const {
    const bool is_shown = segment.kind() == MappingKind::kShmem && segment.vma().shared;
    return is_shown && environment_.marker_knob.has_value() ? &*environment_.marker_knob : nullptr;
  }
  // Null in the object view.
  const Pagemap* pagemap() const { return pagemap_.has_value() ? &*pagemap_ : nullptr; }

  // Upper bound of a chunk, in pages: what a slot of the pipeline must be able to hold. At worst an
  // extent a page (24 bytes), a word a page, a bit a page, or nothing.
  static uint64_t ChunkPages(Format format) {
    return format == Format::kExtents ? 8 << 10 : format == Format::kPacked ? 16 << 10 : 64 << 10;
  }

 private:
  TargetScan(const ScanEnvironment& environment, const ScanSpec& spec)
      : environment_(environment), spec_(spec) {}

  // Asks whether the process may be told about, and takes out of spec_ what may not.
  absl::Status CheckAccess(const AccessCheck& check);
  // Finds the object mapped at `address`.
  absl::Status OpenObject(uint64_t address);
  // Sets segment_ to the next; false at the end.
  absl::StatusOr<bool> NextSegment();
  // Pages that need no scan, up to `end`: each has the record.
  struct Skip {
    uint64_t end;
    PageRecord record;
  };
  // The holes from `position` on; and what is neither mapped nor in swap, where that suffices. None
  // if `end` is `position`.
  absl::StatusOr<Skip> SkipHoles(ObjectResolver& resolver, uint64_t position) const;

  const ScanEnvironment& environment_;
  ScanSpec spec_;
  TargetAccess access_;
  bool redacts_locations_ = false;
  bool redacts_frame_flags_ = false;
  std::vector<PageRange> ranges_;
  std::shared_ptr<const Process> process_;
  std::optional<Pagemap> pagemap_;
  std::optional<MappingClassifier> classifier_;
  std::optional<MappedRanges> mapped_;
  // A second /proc/PID/maps, for MappingsChanged. Opened at the beginning: to open it waits for an
  // exec to end (mm_access in kernel/fork.c), and how long that takes may be up to the process.
  UniqueFd maps_again_;
  // Of an object as a target: the object, one of its mappings, and how many ranges are done.
  std::shared_ptr<const SharedObject> object_;
  Vma object_vma_;
  MappingClassifier::Class object_class_;
  size_t next_range_ = 0;
  std::shared_ptr<const Segment> segment_;
  uint64_t position_ = 0;
  // Length of the next chunk.
  uint64_t chunk_pages_ = 0;
  // A hole was just skipped, so there is a page at position_.
  bool skipped_ = false;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_QUERY_TARGET_SCAN_H_
