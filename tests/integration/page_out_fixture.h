#ifndef PAGEMAPD_TESTS_INTEGRATION_PAGE_OUT_FIXTURE_H_
#define PAGEMAPD_TESTS_INTEGRATION_PAGE_OUT_FIXTURE_H_

#include <gtest/gtest.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "pagemapd/v1/pagemap_service.grpc.pb.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/memory_region.h"
#include "tests/testing/page_client.h"
#include "tests/testing/target_process.h"

namespace pagemapd {

// A whole answer to PageOut.
struct PageOutAnswer {
  grpc::Status status;
  v1::ProcessRef process;
  std::vector<v1::PageOutExtent> extents;
  // Of the last message.
  v1::PageOutCounts counts;
  std::optional<v1::PageOutEnd> end;
  int messages = 0;

  // Pages with this outcome, by the counts.
  uint64_t PagesOf(v1::PageOutOutcome outcome) const;
  // The outcome of the page at `address`; _UNSPECIFIED if none was told.
  v1::PageOutOutcome OutcomeAt(uint64_t address) const;
  // What there is, for failures: "PAGED_OUT 12, SHARED 3".
  std::string Text() const;
};

v1::PageOutRequest PageOutOf(pid_t pid, std::initializer_list<PageSpan> ranges);

// Calls PageOut, with a deadline of one minute. `on_message` is called after each message; false
// cancels the call.
PageOutAnswer RunPageOut(v1::PagemapService::Stub& stub, const v1::PageOutRequest& request,
                         const std::function<bool(const PageOutAnswer&)>& on_message = nullptr);

// What every whole answer must be: extents in order, that do not overlap, cover each asked page and
// no other, are maximal as far as can be told, and add up to the counts.
void CheckWhole(const v1::PageOutRequest& request, const PageOutAnswer& answer);

// Whether each page of `runs` that TargetProcess::Write wrote still holds what it did. Swaps them
// in.
absl::Status CheckWritten(pid_t pid, const MemoryRegion& region, std::vector<PageRun> runs);

// A daemon, and a process whose memory it is to page out.
class PageOutTest : public ::testing::Test {
 protected:
  void SetUp() override { Start({}); }
  void Start(const std::vector<std::string>& flags, const std::vector<std::string>& wrapper = {});

  // A region of the target, written from its first page to its last.
  MemoryRegion Written(MemoryKind kind, uint64_t pages);

  PageOutAnswer PageOut(const v1::PageOutRequest& request) { return RunPageOut(*stub_, request); }
  // Of the whole region, which must be answered in full.
  PageOutAnswer PageOut(const MemoryRegion& region);

  std::optional<DaemonProcess> daemon_;
  std::unique_ptr<v1::PagemapService::Stub> stub_;
  std::optional<TargetProcess> target_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_INTEGRATION_PAGE_OUT_FIXTURE_H_
