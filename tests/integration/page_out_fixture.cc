#include "tests/integration/page_out_fixture.h"

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/testing/fd.h"
#include "tests/testing/target_protocol.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPageBytes = 4096;

// Sorted, and without overlap.
std::vector<std::pair<uint64_t, uint64_t>> AskedOf(const v1::PageOutRequest& request) {
  std::vector<std::pair<uint64_t, uint64_t>> asked;
  for (const v1::PageOutRange& range : request.ranges()) {
    asked.emplace_back(range.range().start(), range.range().end());
  }
  std::sort(asked.begin(), asked.end());
  std::vector<std::pair<uint64_t, uint64_t>> merged;
  for (const auto& [start, end] : asked) {
    if (!merged.empty() && start <= merged.back().second) {
      merged.back().second = std::max(merged.back().second, end);
    } else {
      merged.emplace_back(start, end);
    }
  }
  return merged;
}

}  // namespace

uint64_t PageOutAnswer::PagesOf(v1::PageOutOutcome outcome) const {
  for (const auto& pages : counts.outcomes()) {
    if (pages.outcome() == outcome) return pages.pages();
  }
  return 0;
}

v1::PageOutOutcome PageOutAnswer::OutcomeAt(uint64_t address) const {
  for (const v1::PageOutExtent& extent : extents) {
    if (address >= extent.start() && address - extent.start() < extent.pages() * kPageBytes) {
      return extent.outcome();
    }
  }
  return v1::PAGE_OUT_OUTCOME_UNSPECIFIED;
}

std::string PageOutAnswer::Text() const {
  std::string text = absl::StrCat("asked ", counts.asked(), ", attempted ", counts.attempted(),
                                  ", achieved ", counts.achieved());
  for (const auto& pages : counts.outcomes()) {
    absl::StrAppend(&text, ", ", v1::PageOutOutcome_Name(pages.outcome()), " ", pages.pages());
  }
  if (end.has_value() && end->has_error()) absl::StrAppend(&text, "; ", end->error().message());
  return text;
}

v1::PageOutRequest PageOutOf(pid_t pid, std::initializer_list<PageSpan> ranges) {
  v1::PageOutRequest request;
  request.mutable_process()->set_pid(pid);
  for (const PageSpan& span : ranges) {
    v1::AddressRange& range = *request.add_ranges()->mutable_range();
    range.set_start(span.start);
    range.set_end(span.start + span.pages * kPageBytes);
  }
  return request;
}

PageOutAnswer RunPageOut(v1::PagemapService::Stub& stub, const v1::PageOutRequest& request,
                         const std::function<bool(const PageOutAnswer&)>& on_message) {
  PageOutAnswer answer;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
  const auto reader = stub.PageOut(&context, request);
  v1::PageOutResponse response;
  while (reader->Read(&response)) {
    if (response.has_process()) answer.process = response.process();
    answer.extents.insert(answer.extents.end(), response.extents().begin(),
                          response.extents().end());
    answer.counts = response.counts();
    if (response.has_end()) answer.end = response.end();
    ++answer.messages;
    if (on_message != nullptr && !on_message(answer)) context.TryCancel();
  }
  answer.status = reader->Finish();
  return answer;
}

void CheckWhole(const v1::PageOutRequest& request, const PageOutAnswer& answer) {
  ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
  ASSERT_TRUE(answer.end.has_value());
  ASSERT_FALSE(answer.end->has_error()) << answer.end->error().message();
  EXPECT_LE(answer.end->begin_ns(), answer.end->end_ns());
  EXPECT_EQ(answer.process.pid(), request.process().pid());
  EXPECT_GT(answer.process.start_time_ticks(), 0u);
  std::map<v1::PageOutOutcome, uint64_t> outcomes;
  uint64_t asked_pages = 0;
  size_t next = 0;
  for (const auto& [start, end] : AskedOf(request)) {
    asked_pages += (end - start) / kPageBytes;
    uint64_t position = start;
    while (position < end) {
      ASSERT_LT(next, answer.extents.size()) << "nothing of 0x" << std::hex << position;
      const v1::PageOutExtent& extent = answer.extents[next++];
      ASSERT_EQ(extent.start(), position);
      ASSERT_GT(extent.pages(), 0u);
      ASSERT_NE(extent.outcome(), v1::PAGE_OUT_OUTCOME_UNSPECIFIED);
      position += extent.pages() * kPageBytes;
      ASSERT_LE(position, end);
      outcomes[extent.outcome()] += extent.pages();
    }
  }
  EXPECT_EQ(next, answer.extents.size());
  EXPECT_EQ(answer.counts.asked(), asked_pages);
  EXPECT_LE(answer.counts.attempted(), answer.counts.asked());
  EXPECT_LE(answer.counts.achieved(), answer.counts.attempted());
  EXPECT_EQ(answer.counts.outcomes_size(), static_cast<int>(outcomes.size()));
  for (const auto& pages : answer.counts.outcomes()) {
    EXPECT_EQ(pages.pages(), outcomes[pages.outcome()]) << v1::PageOutOutcome_Name(pages.outcome());
  }
}

absl::Status CheckWritten(pid_t pid, const MemoryRegion& region, std::vector<PageRun> runs) {
  const Fd memory(open(absl::StrCat("/proc/", pid, "/mem").c_str(), O_RDONLY | O_CLOEXEC));
  for (const PageRun& run : runs) {
    for (uint64_t page = run.first; page < run.first + run.pages; ++page) {
      const uint64_t address = region.address + page * kPageBytes;
      uint64_t word = 0;
      if (pread(memory.get(), &word, sizeof(word), address) != sizeof(word)) {
        return absl::InternalError(absl::StrCat("page ", page, " cannot be read"));
      }
      if (word != WordAt(address)) {
        return absl::DataLossError(absl::StrCat("page ", page, " holds 0x", absl::Hex(word)));
      }
    }
  }
  return absl::OkStatus();
}

void PageOutTest::Start(const std::vector<std::string>& flags,
                        const std::vector<std::string>& wrapper) {
  stub_.reset();
  daemon_.reset();
  absl::StatusOr<DaemonProcess> daemon = DaemonProcess::Start(flags, wrapper);
  ASSERT_TRUE(daemon.ok()) << daemon.status();
  daemon_.emplace(*std::move(daemon));
  stub_ = NewStub(daemon_->address());
  absl::StatusOr<TargetProcess> target = TargetProcess::Start();
  ASSERT_TRUE(target.ok()) << target.status();
  target_.emplace(*std::move(target));
}

MemoryRegion PageOutTest::Written(MemoryKind kind, uint64_t pages) {
  absl::StatusOr<MemoryRegion> region = MapRegion(*target_, kind, pages);
  EXPECT_TRUE(region.ok()) << region.status();
  if (!region.ok()) return MemoryRegion();
  const absl::Status written = target_->Write(region->address, {{0, pages}});
  EXPECT_TRUE(written.ok()) << written;
  return *std::move(region);
}

PageOutAnswer PageOutTest::PageOut(const MemoryRegion& region) {
  const v1::PageOutRequest request = PageOutOf(target_->pid(), {{region.address, region.pages}});
  PageOutAnswer answer = PageOut(request);
  CheckWhole(request, answer);
  return answer;
}

}  // namespace pagemapd
