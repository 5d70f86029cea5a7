// The source marker where it is: on a kernel of kernel-patches/, whose pagemap shows shared memory
// in swap. Every page's state is known from how it was made, and what a swapped page's place holds
// is read from the device. Takes no cachestat, so that it runs on Linux 6.1 too.

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <ostream>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/integration/page_report.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/knob.h"
#include "tests/testing/memory_region.h"
#include "tests/testing/page_client.h"
#include "tests/testing/page_mix.h"
#include "tests/testing/page_pattern.h"
#include "tests/testing/served_target.h"
#include "tests/testing/slot_reader.h"
#include "tests/testing/swap_device.h"
#include "tests/testing/target_process.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPages = 8192;
constexpr uint16_t kObject = 77;
constexpr char kKnob[] = "/sys/kernel/mm/pagemap/shmem_swap";

v1::PageState Expected(PageWish wish) {
  switch (wish) {
    case PageWish::kMapped:
      return v1::PAGE_STATE_MAPPED;
    case PageWish::kCached:
      return v1::PAGE_STATE_CACHED;
    case PageWish::kSwapped:
      return v1::PAGE_STATE_SWAPPED;
    default:
      return v1::PAGE_STATE_HOLE;
  }
}

// What tells of the pages that are neither mapped nor swapped, and of all while the knob is off.
struct Rest {
  const char* name;
  std::vector<std::string> flags;
};

void PrintTo(const Rest& rest, std::ostream* out) { *out << rest.name; }

class MarkerSourceTest : public ::testing::TestWithParam<Rest> {
 protected:
  void SetUp() override {
    absl::StatusOr<Knob> knob = Knob::Take(kKnob);
    ASSERT_TRUE(knob.ok()) << knob.status();
    knob_.emplace(*std::move(knob));
    ASSERT_TRUE(knob_->Set("full").ok());
    // On a disk: a copy stays in the swap cache, which mincore takes for the page.
    absl::StatusOr<SwapDevice> device = SwapDevice::Create(128 << 20, SwapDevice::Kind::kLoop);
    ASSERT_TRUE(device.ok()) << device.status();
    device_.emplace(*std::move(device));
    absl::Status started = StartWithTarget(GetParam().flags, &daemon_, &stub_, &target_);
    ASSERT_TRUE(started.ok()) << started;
    v1::GetCapabilitiesResponse capabilities;
    grpc::ClientContext context;
    ASSERT_TRUE(stub_->GetCapabilities(&context, {}, &capabilities).ok());
    for (const auto& source : capabilities.sources()) {
      bpf_ |= source.active() && source.name() == "bpf";
    }
    EXPECT_EQ(capabilities.sources(0).name(), "marker");
    EXPECT_TRUE(capabilities.sources(0).active()) << capabilities.sources(0).detail();
    absl::StatusOr<MemoryRegion> region = MapRegion(*target_, MemoryKind::kMemfd, kPages);
    ASSERT_TRUE(region.ok()) << region.status();
    region_.emplace(*std::move(region));
    plan_ = MakeMix(Mix::kRandom, kPages, WishesFor(MemoryKind::kMemfd), 5);
    absl::Status shaped =
        WritePattern(region_->object.get(), kObject, region_->first_index,
                     RunsOf(plan_, {PageWish::kMapped, PageWish::kCached, PageWish::kSwapped}));
    if (shaped.ok()) shaped = Shape(*target_, *region_, plan_);
    ASSERT_TRUE(shaped.ok()) << shaped;
  }

  uint64_t Planned(v1::PageState state) const {
    uint64_t pages = 0;
    for (PageWish wish : plan_) pages += Expected(wish) == state;
    return pages;
  }

  v1::QueryPagesRequest Request(v1::View view, v1::Format format) const {
    return QueryOf(target_->pid(), {{region_->address, kPages}}, view, format,
                   {v1::PAGE_FIELD_LOCATION, v1::PAGE_FIELD_SOURCE});
  }

  std::vector<ReportedPage> Ask(v1::View view) const {
    const PagesAnswer answer = QueryAll(*stub_, Request(view, v1::FORMAT_PACKED));
    EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
    PageReport report(region_->address, kPages);
    for (const v1::PageChunk& chunk : answer.chunks) {
      absl::Status added = report.Add(chunk);
      EXPECT_TRUE(added.ok()) << added;
    }
    return report.pages();
  }

  // Pages with another state than they were made to have; with `unknown` a page may also be
  // unknown, as mincore has it.
  uint64_t Wrong(const std::vector<ReportedPage>& pages, v1::View view, bool unknown) const {
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < kPages; ++i) {
      v1::PageState expected = Expected(plan_[i]);
      if (view == v1::VIEW_OBJECT && expected == v1::PAGE_STATE_MAPPED) {
        expected = v1::PAGE_STATE_CACHED;
      }
      if (pages[i].state == expected) continue;
      if (unknown && pages[i].state == v1::PAGE_STATE_UNKNOWN) continue;
      if (++wrong <= 5) {
        ADD_FAILURE() << "page " << i << ": " << v1::PageState_Name(pages[i].state)
                      << " instead of " << v1::PageState_Name(expected) << ", source "
                      << v1::PageSource_Name(pages[i].source);
      }
    }
    return wrong;
  }

  std::optional<Knob> knob_;
  std::optional<SwapDevice> device_;
  std::optional<DaemonProcess> daemon_;
  std::unique_ptr<v1::PagemapService::Stub> stub_;
  std::optional<TargetProcess> target_;
  std::optional<MemoryRegion> region_;
  std::vector<PageWish> plan_;
  // The page cache is read: the object view has its swapped pages from there.
  bool bpf_ = false;
};

TEST_P(MarkerSourceTest, TellsEverySwappedPageAndItsPlace) {
  absl::StatusOr<SlotReader> reader = SlotReader::Open(device_->path());
  ASSERT_TRUE(reader.ok()) << reader.status();
  for (v1::View view : {v1::VIEW_PROCESS, v1::VIEW_OBJECT}) {
    SCOPED_TRACE(v1::View_Name(view));
    const std::vector<ReportedPage> pages = Ask(view);
    EXPECT_EQ(Wrong(pages, view, /*unknown=*/false), 0);
    std::set<uint64_t> slots;
    uint64_t misplaced = 0;
    for (uint64_t i = 0; i < kPages; ++i) {
      if (pages[i].state != v1::PAGE_STATE_SWAPPED) {
        EXPECT_NE(pages[i].source, v1::PAGE_SOURCE_MARKER) << i;
        continue;
      }
      const bool by_cache = bpf_ && view == v1::VIEW_OBJECT;
      EXPECT_EQ(pages[i].source, by_cache ? v1::PAGE_SOURCE_BPF : v1::PAGE_SOURCE_MARKER) << i;
      ASSERT_TRUE(pages[i].has_slot) << i;
      EXPECT_TRUE(slots.insert(pages[i].swap_offset).second) << i;
      auto words = reader->Read(pages[i].swap_offset);
      ASSERT_TRUE(words.ok()) << words.status();
      misplaced += !HoldsPattern(*words, kObject, region_->first_index + i);
    }
    EXPECT_EQ(misplaced, 0);
    EXPECT_EQ(slots.size(), Planned(v1::PAGE_STATE_SWAPPED));
    EXPECT_GT(slots.size(), kPages / 10);
  }
}

TEST_P(MarkerSourceTest, SwappedPagesAloneNeedNoObject) {
  v1::QueryPagesRequest request = Request(v1::VIEW_PROCESS, v1::FORMAT_BITMAP);
  request.clear_fields();
  request.add_states(v1::PAGE_STATE_SWAPPED);
  const PagesAnswer answer = QueryAll(*stub_, request);
  ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
  const v1::PageCounts& counts = answer.ends.at(0).counts();
  EXPECT_EQ(counts.swapped(), Planned(v1::PAGE_STATE_SWAPPED));
  EXPECT_EQ(counts.mapped(), Planned(v1::PAGE_STATE_MAPPED));
  EXPECT_EQ(counts.unresolved(), Planned(v1::PAGE_STATE_HOLE) + Planned(v1::PAGE_STATE_CACHED));
  EXPECT_EQ(counts.hole() + counts.cached() + counts.unknown() + counts.special(), 0);
  for (const v1::PageChunk& chunk : answer.chunks) {
    for (uint64_t i = 0; i < chunk.pages(); ++i) {
      const bool bit = chunk.has_uniform() ? chunk.uniform() : chunk.bitmap()[i / 8] >> i % 8 & 1;
      const uint64_t page = (chunk.start() - region_->address) / kPageBytes + i;
      ASSERT_EQ(bit, plan_[page] == PageWish::kSwapped) << page;
    }
  }
}

// What the knob does not promise is not believed.
TEST_P(MarkerSourceTest, AKnobThatIsTurnedTakesTheSourceAway) {
  for (const char* mode : {"off", "marker"}) {
    SCOPED_TRACE(mode);
    ASSERT_TRUE(knob_->Set(mode).ok());
    for (v1::View view : {v1::VIEW_PROCESS, v1::VIEW_OBJECT}) {
      const std::vector<ReportedPage> pages = Ask(view);
      EXPECT_EQ(Wrong(pages, view, !bpf_), 0);
      for (const ReportedPage& page : pages) EXPECT_NE(page.source, v1::PAGE_SOURCE_MARKER);
    }
    // A daemon that starts now has no such source, and says why.
    absl::StatusOr<DaemonProcess> late = DaemonProcess::Start({"--source", "marker"});
    ASSERT_TRUE(late.ok()) << late.status();
    EXPECT_TRUE(absl::StrContains(late->Log(), absl::StrCat("shmem_swap says ", mode)))
        << late->Log();
  }
  ASSERT_TRUE(knob_->Set("full").ok());
  EXPECT_EQ(Wrong(Ask(v1::VIEW_PROCESS), v1::VIEW_PROCESS, false), 0);
}

// A page in swap is never a hole, nor in RAM, whenever the knob is turned.
TEST_P(MarkerSourceTest, AKnobTurnedInTheMiddleMakesNoLie) {
  std::mt19937_64 random(3);
  uint64_t by_marker = 0, by_others = 0;
  for (int round = 0; round < 60; ++round) {
    ASSERT_TRUE(knob_->Set(round % 2 == 0 ? "full" : "off").ok());
    const auto delay = std::chrono::microseconds(random() % 40000);
    std::thread turner([&] {
      std::this_thread::sleep_for(delay);
      EXPECT_TRUE(knob_->Set(round % 2 == 0 ? "off" : "full").ok());
    });
    const v1::View view = round / 2 % 2 == 0 ? v1::VIEW_PROCESS : v1::VIEW_OBJECT;
    const std::vector<ReportedPage> pages = Ask(view);
    turner.join();
    ASSERT_EQ(Wrong(pages, view, !bpf_), 0) << "round " << round;
    for (const ReportedPage& page : pages) {
      const bool marker = page.source == v1::PAGE_SOURCE_MARKER;
      by_marker += marker;
      by_others += page.state == v1::PAGE_STATE_SWAPPED && !marker;
    }
  }
  printf("%s: %lu pages by marker, %lu by others\n", GetParam().name, by_marker, by_others);
  EXPECT_GT(by_marker, 0);
}

INSTANTIATE_TEST_SUITE_P(
    Rests, MarkerSourceTest,
    ::testing::Values(Rest{"Best", {}}, Rest{"BestRead", {"--without", "pagemap-scan"}},
                      Rest{"Probe", {"--source", "marker", "--without", "bpf"}},
                      Rest{"Mincore",
                           {"--source", "marker", "--without", "bpf", "--without", "cachestat"}}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace pagemapd
