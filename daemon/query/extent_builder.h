#ifndef PAGEMAPD_DAEMON_QUERY_EXTENT_BUILDER_H_
#define PAGEMAPD_DAEMON_QUERY_EXTENT_BUILDER_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "daemon/page/page_record.h"
#include "daemon/query/scan_spec.h"

namespace pagemapd {

// A run of pages from `start` on whose records follow `first` as PageRecord::Advance says.
struct Extent {
  uint64_t start = 0;
  uint64_t pages = 0;
  PageRecord first;

  uint64_t End() const;
  // True, with `next` added to this, if `next` carries on where this ends.
  bool Join(const Extent& next);
};

// Makes maximal extents of records that come in address order, keeping the fields and states that
// `spec` wants. Not thread-safe.
class ExtentBuilder {
 public:
  // Both must outlive the builder. Appends to `extents`.
  ExtentBuilder(const ScanSpec& spec, std::vector<Extent>* extents)
      : spec_(spec), extents_(extents) {}

  // The records of the pages from `address` on, which must not lie below what came before.
  void Append(uint64_t address, absl::Span<const PageRecord> records);
  // `pages` pages that all have `record`, which has no location.
  void AppendRun(uint64_t address, uint64_t pages, PageRecord record);

 private:
  void Add(const Extent& extent);

  const ScanSpec& spec_;
  std::vector<Extent>* extents_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_QUERY_EXTENT_BUILDER_H_
