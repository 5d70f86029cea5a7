#ifndef PAGEMAPD_DAEMON_QUERY_SEGMENT_H_
#define PAGEMAPD_DAEMON_QUERY_SEGMENT_H_

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/base/call_once.h"
#include "daemon/page/page_range.h"
#include "daemon/page/page_size.h"
#include "daemon/procfs/maps.h"
#include "daemon/procfs/process.h"
#include "daemon/query/mapping_kind.h"
#include "daemon/shmem/shared_object.h"

namespace pagemapd {

// A mapping or an object, or the asked part of one, while it is scanned. Chunks share it; when the
// last is gone it closes its object. Safe for any thread.
class Segment {
 public:
  // `objects_of` as in TargetAccess.
  Segment(std::shared_ptr<const Process> process, Vma vma, PageRange cut,
          MappingClassifier::Class mapping_class, std::optional<uid_t> objects_of)
      : process_(std::move(process)),
        vma_(std::move(vma)),
        cut_(cut),
        class_(mapping_class),
        objects_of_(objects_of) {}

  // A part of `object` itself, mapped or not: `cut` and all addresses are byte offsets into it.
  // `vma` is one of its mappings.
  Segment(std::shared_ptr<const SharedObject> object, Vma vma, PageRange cut,
          MappingClassifier::Class mapping_class)
      : whole_(std::move(object)), vma_(std::move(vma)), cut_(cut), class_(mapping_class) {}

  const Vma& vma() const { return vma_; }
  // The part that was asked for.
  const PageRange& cut() const { return cut_; }
  MappingKind kind() const { return class_.kind; }

  bool is_of_object() const { return whole_ != nullptr; }

  // Object index of the page at `address`, which lies in the mapping.
  uint64_t ObjectIndex(uint64_t address) const {
    if (is_of_object()) return address >> kPageShift;
    return (vma_.offset_bytes + (address - vma_.range.start)) >> kPageShift;
  }

  // The object, opened by the first caller; null if there is none, it cannot be opened, or it is
  // not to be asked about.
  const SharedObject* object() const {
    if (is_of_object()) return whole_.get();
    if (!class_.object.has_value()) return nullptr;
    absl::call_once(once_, [this] {
      auto opened = SharedObject::Open(*process_, vma_, *class_.object);
      if (!opened.ok() || (objects_of_.has_value() && opened->owner() != *objects_of_)) return;
      object_ = *std::move(opened);
    });
    return object_.has_value() ? &*object_ : nullptr;
  }

  // A hint between chunks: swap entries were met, for which PAGEMAP_SCAN does not suffice.
  bool met_swap() const { return met_swap_.load(std::memory_order_relaxed); }
  void set_met_swap() const { met_swap_.store(true, std::memory_order_relaxed); }

 private:
  // One of the two.
  const std::shared_ptr<const Process> process_;
  const std::shared_ptr<const SharedObject> whole_;
  const Vma vma_;
  const PageRange cut_;
  const MappingClassifier::Class class_;
  const std::optional<uid_t> objects_of_;
  mutable absl::once_flag once_;
  mutable std::optional<SharedObject> object_;
  mutable std::atomic<bool> met_swap_{false};
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_QUERY_SEGMENT_H_
