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
#include "daemon/shmem/object_pagemap.h"
#include "daemon/shmem/page_cache_probe.h"
#include "daemon/shmem/page_cache_reader.h"
#include "daemon/shmem/shared_object.h"

namespace pagemapd {

// Tells of the pages of objects what a page table does not, each by the best source there is: tmpfs
// through BPF if there is a reader; else what is in swap by a pagemap that shows it, if there is
// one; all else by the probe. One a thread.
class ObjectResolver {
 public:
  // `pagemap`, which may be null, must outlive the resolver.
  explicit ObjectResolver(const PageCacheProbe& probe,
                          std::optional<PageCacheReader> reader = std::nullopt,
                          const ObjectPagemap* pagemap = nullptr)
      : probe_(probe), reader_(std::move(reader)), pagemap_(pagemap) {}

  // As PageCacheProbe::Resolve, with the place in swap if there is a reader or a pagemap. True: as
  // PageCacheProbe::Resolution::counted; what was presumed has been confirmed.
  absl::StatusOr<bool> Resolve(const SharedObject& object, uint64_t first_index,
                               absl::Span<PageRecord> records, PageCacheProbe::Known known);

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

  // The same without the reader.
  absl::StatusOr<bool> ResolveFromOutside(const SharedObject& object, uint64_t first_index,
                                          absl::Span<PageRecord> records,
                                          PageCacheProbe::Known known);

  // A second look at what the probe settled by presuming that it is not in swap. False if that
  // cannot be told any more, with all that rests on it unsettled again.
  bool ConfirmNotSwapped(const SharedObject& object, uint64_t first_index,
                         absl::Span<PageRecord> records);

  PageCacheProbe probe_;
  std::optional<PageCacheReader> reader_;
  const ObjectPagemap* pagemap_;
  // Second looks of MarkSwapCache and of ConfirmNotSwapped, which the first may call.
  std::vector<PageRecord> again_;
  std::vector<PageRecord> confirmed_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SHMEM_OBJECT_RESOLVER_H_
