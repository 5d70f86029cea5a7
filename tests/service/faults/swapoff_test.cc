// Swap that goes away and comes back while its pages are asked about.

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/swap.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "tests/integration/edges_fixture.h"
#include "tests/integration/page_report.h"
#include "tests/testing/memory_region.h"
#include "tests/testing/swap_device.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPages = 4096;
constexpr int kRounds = 8;
constexpr int kClients = 3;

class SwapoffTest : public EdgesTest, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    absl::StatusOr<SwapDevice> device = SwapDevice::Create(256 << 20);
    ASSERT_TRUE(device.ok()) << device.status();
    device_.emplace(*std::move(device));
    StartDaemon({"--source", GetParam()});
    for (MemoryKind kind : {MemoryKind::kMemfd, MemoryKind::kPrivateAnon}) {
      absl::StatusOr<MemoryRegion> region = MapRegion(*target_, kind, kPages);
      ASSERT_TRUE(region.ok()) << region.status();
      ASSERT_TRUE(target_->Write(region->address, {{0, kPages}}).ok());
      regions_.push_back(*std::move(region));
    }
  }

  void PageOutAll() {
    for (const MemoryRegion& region : regions_) {
      // MADV_PAGEOUT goes by the page table, swapoff brings shared memory back without one.
      ASSERT_TRUE(target_->Read(region.address, {{0, kPages}}).ok());
      const absl::Status out = PageOutRuns(*target_, region.address, {{0, kPages}});
      ASSERT_TRUE(out.ok()) << out;
    }
  }

  // Pages of both regions by state. Every one of them exists, wherever it is.
  std::map<v1::PageState, uint64_t> Look(int round) {
    const bool packed = round % 2 == 0;
    v1::QueryPagesRequest request =
        QueryOf(target_->pid(), {{regions_[0].address, kPages}, {regions_[1].address, kPages}},
                v1::VIEW_PROCESS, packed ? v1::FORMAT_PACKED : v1::FORMAT_EXTENTS,
                {v1::PAGE_FIELD_LOCATION, v1::PAGE_FIELD_FLAGS});
    if (round % 3 == 0) request.add_fields(v1::PAGE_FIELD_SWAP_CACHE);
    const PagesAnswer answer = QueryAll(*stub_, request);
    std::map<v1::PageState, uint64_t> counts;
    if (!answer.status.ok() || answer.ends.size() != 1 || answer.ends[0].has_error()) {
      Blame(absl::StrCat("status ", answer.status.error_message()));
      return counts;
    }
    std::array<PageReport, 2> reports = {PageReport(regions_[0].address, kPages),
                                         PageReport(regions_[1].address, kPages)};
    for (const v1::PageChunk& chunk : answer.chunks) {
      const bool second = chunk.start() >= regions_[1].address &&
                          chunk.start() < regions_[1].address + kPages * kPageBytes;
      const absl::Status added = reports[second].Add(chunk);
      if (!added.ok()) Blame(added.ToString());
    }
    for (const PageReport& report : reports) {
      for (const ReportedPage& page : report.pages()) {
        ++counts[page.state];
        const bool slot_is_right = !page.has_slot || (page.state == v1::PAGE_STATE_SWAPPED &&
                                                      page.swap_offset < (256 << 20) / kPageBytes);
        // Compaction moves pages as it likes, and only it may show.
        const bool special_is_right = page.state != v1::PAGE_STATE_SPECIAL ||
                                      (page.flags >> v1::PAGE_FLAG_MIGRATION & 1) != 0;
        if (page.state == v1::PAGE_STATE_HOLE || page.state == v1::PAGE_STATE_UNSPECIFIED ||
            !special_is_right || !slot_is_right) {
          Blame(absl::StrCat("a page is ", v1::PageState_Name(page.state), ", flags ", page.flags,
                             ", slot ", page.swap_type, ":", page.swap_offset));
        }
      }
    }
    return counts;
  }

  // Other questions than Look's.
  void AskTheRest(int round) {
    grpc::ClientContext context;
    if (round % 2 == 0) {
      v1::ListSwapAreasResponse areas;
      const grpc::Status status = stub_->ListSwapAreas(&context, {}, &areas);
      if (!status.ok()) Blame(status.error_message());
      return;
    }
    v1::SummarizePagesRequest request;
    AddTarget(target_->pid(), {}, &request);
    request.set_view(round % 4 == 1 ? v1::VIEW_PROCESS : v1::VIEW_OBJECT);
    v1::SummarizePagesResponse summary;
    const grpc::Status status = stub_->SummarizePages(&context, request, &summary);
    if (!status.ok() || summary.targets(0).has_error()) Blame(status.error_message());
  }

  void Blame(const std::string& what) {
    absl::MutexLock lock(&mutex_);
    if (++wrong_ <= 5) ADD_FAILURE() << what;
  }

  std::optional<SwapDevice> device_;
  std::vector<MemoryRegion> regions_;
  absl::Mutex mutex_;
  int wrong_ = 0;
};

TEST_P(SwapoffTest, PagesAreSomewhereAllTheWhile) {
  PageOutAll();
  std::atomic<bool> done = false;
  std::atomic<uint64_t> scans = 0, swapped = 0, back = 0, unknown = 0;
  std::vector<std::thread> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      for (int round = client; !done; ++round) {
        auto counts = Look(round);
        ++scans;
        swapped += counts[v1::PAGE_STATE_SWAPPED];
        back += counts[v1::PAGE_STATE_MAPPED] + counts[v1::PAGE_STATE_CACHED];
        unknown += counts[v1::PAGE_STATE_UNKNOWN];
        AskTheRest(round);
      }
    });
  }
  int rounds = 0;
  for (; rounds < kRounds && !HasFailure(); ++rounds) {
    ASSERT_EQ(swapoff(device_->path().c_str()), 0) << strerror(errno);
    EXPECT_EQ(Look(rounds)[v1::PAGE_STATE_SWAPPED], 0u);
    ASSERT_EQ(swapon(device_->path().c_str(), SWAP_FLAG_PREFER | SwapDevice::kFirstOfAll), 0)
        << strerror(errno);
    PageOutAll();
    EXPECT_GT(Look(rounds)[v1::PAGE_STATE_SWAPPED], kPages);
  }
  done = true;
  for (std::thread& client : clients) client.join();
  const uint64_t scanned = scans * 2 * kPages;
  printf(
      "[ figure ] swapoff, %s: %d rounds, %lu scans during them: of %lu pages swapped %lu, "
      "back %lu, unknown %lu\n",
      GetParam(), rounds, scans.load(), scanned, swapped.load(), back.load(), unknown.load());
  EXPECT_GT(swapped, 0u);
  EXPECT_GT(back, 0u);
  EXPECT_LT(unknown, scanned / 20);
}

INSTANTIATE_TEST_SUITE_P(Sources, SwapoffTest, ::testing::Values("bpf", "probe"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace pagemapd
