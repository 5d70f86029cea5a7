#ifndef PAGEMAPD_DAEMON_SHMEM_OBJECT_PAGEMAP_H_
#define PAGEMAPD_DAEMON_SHMEM_OBJECT_PAGEMAP_H_

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "daemon/page/page_record.h"
#include "daemon/procfs/pagemap.h"
#include "daemon/procfs/pagemap_knob.h"
#include "daemon/procfs/proc_root.h"
#include "daemon/shmem/shared_object.h"

namespace pagemapd {

// Which pages of a tmpfs object are in swap, and where, by the daemon's own pagemap on a kernel
// that shows it (pagemap_knob.h): through mappings that are gone afterwards, allow no access and so
// bring no page in. Safe for any thread.
class ObjectPagemap {
 public:
  // `root` is for self/pagemap; `knob` must outlive this.
  static absl::StatusOr<ObjectPagemap> Open(const ProcRoot& root, const PagemapKnob& knob);

  // Settles those kUnsettled records that are in swap, by the source kMarker, with their place.
  // `records` are of the pages of `object` from `first_index` on. True: each page that is still
  // unsettled was not in swap when it was looked at. False: that is not certain, since the knob did
  // not say "full" all the while; what was settled is right nevertheless.
  absl::StatusOr<bool> SettleSwapped(const SharedObject& object, uint64_t first_index,
                                     absl::Span<PageRecord> records) const;

 private:
  ObjectPagemap(Pagemap pagemap, const PagemapKnob& knob)
      : pagemap_(std::move(pagemap)), knob_(knob) {}

  // The same for one window, whatever the knob says.
  absl::Status SettleWindow(const SharedObject& object, uint64_t index,
                            absl::Span<PageRecord> records) const;

  Pagemap pagemap_;
  const PagemapKnob& knob_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SHMEM_OBJECT_PAGEMAP_H_
