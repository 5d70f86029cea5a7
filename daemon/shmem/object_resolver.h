#ifndef PAGEMAPD_DAEMON_SHMEM_OBJECT_RESOLVER_H_
#define PAGEMAPD_DAEMON_SHMEM_OBJECT_RESOLVER_H_

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "daemon/page/folio_counts.h"
#include "daemon/page/page_record.h"
#include "daemon/shmem/page_cache_probe.h"
#include "daemon/shmem/page_cache_reader.h"
#include "daemon/shmem/shared_object.h"

namespace pagemapd {

// Tells of the pages of objects what a page table does not, each by the best source there is: tmpfs
// through BPF if there is a reader, all else by the probe. One a thread.
class ObjectResolver {
 public:
  explicit ObjectResolver(const PageCacheProbe& probe,
                          std::optional<PageCacheReader> reader = std::nullopt)
      : probe_(probe), reader_(std::move(reader)) {}

  // As PageCacheProbe::Resolve, and with the place in swap if there is a reader.
  absl::StatusOr<PageCacheProbe::Resolution> Resolve(const SharedObject& object,
                                                     uint64_t first_index,
                                                     absl::Span<PageRecord> records,
                                                     bool may_count);

  // The same for records whose content is of no account: all of them are settled.
  absl::Status Read(const SharedObject& object, uint64_t first_index,
                    absl::Span<PageRecord> records);

  // As PageCacheProbe::SkipHoles.
  uint64_t SkipHoles(const SharedObject& object, uint64_t index, uint64_t limit);

  // What a hole that SkipHoles skips rests on.
  PageSource hole_source(const SharedObject& object) const {
    return Reads(object) ? PageSource::kBpf : probe_.hole_source();
  }

  // Gives kFlagSwapCache to those pages of `records` that are swapped by their object's word, have
  // a copy in RAM, and are still in the same place in swap after that was seen.
  absl::Status MarkSwapCache(const SharedObject& object, uint64_t first_index,
                             absl::Span<PageRecord> records);

  // Adds pages by the size of their folios; nothing without a reader, or for other than tmpfs.
  absl::Status CountFolios(const SharedObject& object, uint64_t first_index,
                           absl::Span<const PageRecord> records, FolioCounts* counts);

 private:
  bool Reads(const SharedObject& object) const {
    return reader_.has_value() && object.kind() == SharedObject::Kind::kTmpfs;
  }

  PageCacheProbe probe_;
  std::optional<PageCacheReader> reader_;
  // MarkSwapCache's second look.
  std::vector<PageRecord> again_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SHMEM_OBJECT_RESOLVER_H_
