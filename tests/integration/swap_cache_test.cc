// Swapped pages of which a copy is still in RAM, against mincore(2) of the object.

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/integration/page_report.h"
#include "tests/integration/ways.h"
#include "tests/testing/ctl_run.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/memory_region.h"
#include "tests/testing/page_client.h"
#include "tests/testing/served_target.h"
#include "tests/testing/steady_check.h"
#include "tests/testing/swap_device.h"
#include "tests/testing/target_process.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPages = 8192;
constexpr uint32_t kSwapCache = uint32_t{1} << v1::PAGE_FLAG_SWAP_CACHE;

class SwapCacheTest : public ::testing::Test {
 protected:
  void Start(SwapDevice::Kind kind, const std::vector<std::string>& flags = {}) {
    absl::StatusOr<SwapDevice> device = SwapDevice::Create(256 << 20, kind);
    ASSERT_TRUE(device.ok()) << device.status();
    device_.emplace(*std::move(device));
    absl::Status started = StartWithTarget(flags, &daemon_, &stub_, &target_);
    ASSERT_TRUE(started.ok()) << started;
  }

  MemoryRegion Make(MemoryKind kind, Mix mix) {
    absl::StatusOr<MemoryRegion> region = MapRegion(*target_, kind, kPages);
    EXPECT_TRUE(region.ok()) << region.status();
    absl::Status shaped =
        Shape(*target_, *region, MakeMix(mix, kPages, WishesFor(kind), static_cast<int>(kind)));
    EXPECT_TRUE(shaped.ok()) << shaped;
    return *std::move(region);
  }

  std::vector<ReportedPage> Pages(const MemoryRegion& region, v1::View view, v1::Format format,
                                  std::initializer_list<v1::PageField> fields) {
    PagesAnswer answer =
        QueryAll(*stub_, QueryOf(target_->pid(), {{region.address, kPages}}, view, format, fields));
    EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
    PageReport report(region.address, kPages);
    for (const v1::PageChunk& chunk : answer.chunks) {
      absl::Status added = report.Add(chunk);
      EXPECT_TRUE(added.ok()) << added;
    }
    return report.pages();
  }

  // A byte a page of the object, through a mapping that brings none in.
  static std::vector<unsigned char> Mincore(const MemoryRegion& region) {
    std::vector<unsigned char> resident(kPages);
    void* at = mmap(nullptr, kPages * kPageBytes, PROT_READ, MAP_SHARED, region.object.get(),
                    region.first_index * kPageBytes);
    EXPECT_NE(at, MAP_FAILED);
    EXPECT_EQ(mincore(at, kPages * kPageBytes, resident.data()), 0);
    munmap(at, kPages * kPageBytes);
    return resident;
  }

  // Every page's flag against mincore, in both views and formats. How many have it.
  uint64_t ExpectFlags(const MemoryRegion& region) {
    uint64_t copies = 0;
    for (v1::View view : {v1::VIEW_PROCESS, v1::VIEW_OBJECT}) {
      for (v1::Format format : {v1::FORMAT_EXTENTS, v1::FORMAT_PACKED}) {
        std::vector<std::string> failures = CheckSteadily(
            target_->pid(), region, [&] { return Compare(region, view, format, &copies); });
        for (const std::string& failure : failures) {
          ADD_FAILURE() << v1::View_Name(view) << ", " << v1::Format_Name(format) << ": "
                        << failure;
        }
      }
    }
    return copies;
  }

  std::optional<SwapDevice> device_;
  std::optional<DaemonProcess> daemon_;
  std::unique_ptr<v1::PagemapService::Stub> stub_;
  std::optional<TargetProcess> target_;

 private:
  std::vector<std::string> Compare(const MemoryRegion& region, v1::View view, v1::Format format,
                                   uint64_t* copies) {
    // Copies go whenever reclaim likes.
    std::vector<unsigned char> before, after;
    std::vector<ReportedPage> said;
    for (int attempt = 0; attempt == 0 || before != after; ++attempt) {
      if (attempt == 100) return {"the copies do not keep still"};
      before = Mincore(region);
      said = Pages(region, view, format, {v1::PAGE_FIELD_SWAP_CACHE, v1::PAGE_FIELD_LOCATION});
      after = Mincore(region);
    }
    *copies = 0;
    uint64_t wrong = 0;
    std::vector<std::string> failures;
    for (uint64_t i = 0; i < kPages; ++i) {
      const bool flag = (said[i].flags & kSwapCache) != 0;
      const bool expected = said[i].state == v1::PAGE_STATE_SWAPPED && (before[i] & 1) != 0;
      *copies += flag;
      if (flag == expected || ++wrong > 5) continue;
      failures.push_back(absl::StrFormat("page %d: %s, flags %#x, mincore %d", i,
                                         v1::PageState_Name(said[i].state), said[i].flags,
                                         static_cast<int>(before[i])));
    }
    if (wrong > 0) failures.push_back(absl::StrCat(wrong, " pages wrong"));
    // Not asked for, not told.
    for (auto fields : {std::initializer_list<v1::PageField>{v1::PAGE_FIELD_FLAGS},
                        {v1::PAGE_FIELD_FRAME_FLAGS, v1::PAGE_FIELD_LOCATION},
                        {}}) {
      for (const ReportedPage& page : Pages(region, view, format, fields)) {
        if ((page.flags & kSwapCache) != 0) return {"the flag is given without being asked for"};
      }
    }
    return failures;
  }
};

// A device behind a file is slow: pages wait in RAM until reclaim takes them.
TEST_F(SwapCacheTest, CopiesAreToldOfASlowDevice) {
  Start(SwapDevice::Kind::kLoop);
  ASSERT_FALSE(HasFatalFailure());
  uint64_t copies = 0;
  for (MemoryKind kind : {MemoryKind::kMemfd, MemoryKind::kSharedAnon, MemoryKind::kDevShm}) {
    for (Mix mix : {Mix::kAllSwapped, Mix::kRunLength, Mix::kAlternating}) {
      SCOPED_TRACE(absl::StrCat(Name(kind), ", ", Name(mix)));
      const uint64_t found = ExpectFlags(Make(kind, mix));
      copies += found;
      printf("%s, %s: %lu copies\n", Name(kind), Name(mix), found);
    }
  }
  EXPECT_GT(copies, kPages);
}

TEST_F(SwapCacheTest, AFastDeviceLeavesNone) {
  Start(SwapDevice::Kind::kZram);
  ASSERT_FALSE(HasFatalFailure());
  for (Mix mix : {Mix::kAllSwapped, Mix::kRandom}) {
    printf("%s: %lu copies\n", Name(mix), ExpectFlags(Make(MemoryKind::kMemfd, mix)));
  }
}

// The probe finds the same copies, of those pages that it finds swapped.
TEST_F(SwapCacheTest, TheProbeTellsThemToo) {
  Start(SwapDevice::Kind::kLoop, {"--source", "probe"});
  ASSERT_FALSE(HasFatalFailure());
  const uint64_t copies = ExpectFlags(Make(MemoryKind::kMemfd, Mix::kRunLength));
  printf("probe: %lu copies\n", copies);
  EXPECT_GT(copies, 0u);
}

// A page whose copy is still in the swap cache is swapped. mincore cannot see that: then it is
// unknown, and never cached. So few pages that each CPU may still hold back its count of them.
TEST(SwapCacheStateTest, ACopyInRamIsStillSwapped) {
  absl::StatusOr<SwapDevice> device = SwapDevice::Create(64 << 20, SwapDevice::Kind::kLoop);
  ASSERT_TRUE(device.ok()) << device.status();
  for (const Way& way : Ways()) {
    SCOPED_TRACE(way.name);
    absl::StatusOr<DaemonProcess> daemon = DaemonProcess::Start(way.flags);
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    for (int round = 0; round < 3; ++round) {
      // Folds what the CPUs held back before.
      ASSERT_TRUE(SwapCachedPages().ok());
      absl::StatusOr<TargetProcess> target = TargetProcess::Start();
      ASSERT_TRUE(target.ok()) << target.status();
      constexpr uint64_t kFew = 16;
      absl::StatusOr<MemoryRegion> region = MapRegion(*target, MemoryKind::kMemfd, kFew);
      ASSERT_TRUE(region.ok()) << region.status();
      absl::Status shaped = Shape(*target, *region, MakeMix(Mix::kAllSwapped, kFew, {}, 1));
      ASSERT_TRUE(shaped.ok()) << shaped;
      for (const char* view : {"process", "object"}) {
        uint64_t swapped = 0, unknown = 0, wrong = 0;
        auto result = RunCtl(
            daemon->address(),
            {"-o", "jsonl", "pages", absl::StrCat(target->pid()), "--range",
             absl::StrFormat("%x-%x", region->address, region->address + kFew * kPageBytes),
             "--view", view},
            [&](absl::string_view line) {
              auto parsed = ParsePageLine(line);
              ASSERT_TRUE(parsed.ok()) << parsed.status();
              v1::PageState state = parsed->extent.state();
              (state == v1::PAGE_STATE_SWAPPED                  ? swapped
               : state == v1::PAGE_STATE_UNKNOWN && way.mincore ? unknown
                                                                : wrong) += parsed->extent.pages();
            });
        ASSERT_TRUE(result.ok()) << result.status();
        EXPECT_EQ(result->exit_code, 0) << result->err;
        EXPECT_EQ(wrong, 0u) << view << " view";
        EXPECT_EQ(swapped + unknown, kFew);
      }
      // The test is about something.
      EXPECT_GT(*SwapCachedPages(), 0u);
    }
  }
}

}  // namespace
}  // namespace pagemapd
