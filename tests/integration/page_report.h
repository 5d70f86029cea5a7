#ifndef PAGEMAPD_TESTS_INTEGRATION_PAGE_REPORT_H_
#define PAGEMAPD_TESTS_INTEGRATION_PAGE_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "pagemapd/v1/pagemap_service.pb.h"
#include "pagemapd/v1/pages.pb.h"

namespace pagemapd {

inline constexpr uint64_t kPageBytes = 4096;

// One line of `pagemapctl -o jsonl pages`.
struct PageLine {
  int32_t pid = 0;
  uint64_t start_time_ticks = 0;
  v1::PageExtent extent;
  // "" and 0 where absent.
  std::string object;
  uint64_t index = 0;
};
absl::StatusOr<PageLine> ParsePageLine(absl::string_view line);

// What the daemon said of one page. state 0: nothing.
struct ReportedPage {
  v1::PageState state = v1::PAGE_STATE_UNSPECIFIED;
  v1::PageSource source = v1::PAGE_SOURCE_UNSPECIFIED;
  uint32_t flags = 0;
  bool has_pfn = false;
  bool has_slot = false;
  uint64_t pfn = 0;
  uint32_t swap_type = 0;
  uint64_t swap_offset = 0;
};

// The pages of a range, as extents or chunks tell of them. An extent that is empty, reaches out of
// the range or tells of a page twice is an error.
class PageReport {
 public:
  PageReport(uint64_t start, uint64_t pages) : start_(start), pages_(pages) {}

  absl::Status Add(const v1::PageExtent& extent);
  // EXTENTS or PACKED.
  absl::Status Add(const v1::PageChunk& chunk);

  const std::vector<ReportedPage>& pages() const { return pages_; }

 private:
  absl::Status AddPacked(const v1::PageChunk& chunk);
  absl::StatusOr<ReportedPage*> PagesAt(uint64_t address, uint64_t pages);

  uint64_t start_;
  std::vector<ReportedPage> pages_;
};

// Whether `next` could have been one extent with `previous`: it begins where that ends, and is the
// same in all it says.
bool Continues(const v1::PageExtent& previous, const v1::PageExtent& next);

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_INTEGRATION_PAGE_REPORT_H_
