// Every page of every kind of memory, in every mix of states, through the command line against the
// oracle, in both views and with every way of finding out that the daemon has.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "tests/integration/page_report.h"
#include "tests/integration/ways.h"
#include "tests/testing/ctl_run.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/knob.h"
#include "tests/testing/memory_region.h"
#include "tests/testing/page_budget.h"
#include "tests/testing/steady_check.h"
#include "tests/testing/swap_device.h"
#include "tests/testing/target_process.h"

namespace pagemapd {
namespace {

const uint64_t kPages = PageBudget(32768);

// Shared by all tests, since it takes a while to make.
class TruthTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    absl::StatusOr<SwapDevice> device = SwapDevice::Create(uint64_t{2} << 30);
    ASSERT_TRUE(device.ok()) << device.status();
    device_ = new SwapDevice(*std::move(device));
    for (const Way& way : Ways()) {
      absl::StatusOr<DaemonProcess> daemon = DaemonProcess::Start(way.flags);
      ASSERT_TRUE(daemon.ok()) << daemon.status();
      daemons_.push_back(std::make_unique<DaemonProcess>(*std::move(daemon)));
    }
  }

  static void TearDownTestSuite() {
    printf("compared %lu pages of memory, %lu answers of a page, %lu unknown to mincore\n", pages_,
           comparisons_, unknown_);
    daemons_.clear();
    delete device_;
  }

  void SetUp() override {
    if (daemons_.size() != Ways().size()) GTEST_SKIP() << "no daemons";
    absl::StatusOr<TargetProcess> target = TargetProcess::Start();
    ASSERT_TRUE(target.ok()) << target.status();
    target_.emplace(*std::move(target));
  }

  // Holds what every daemon says of a region against the oracle.
  void Compare(pid_t pid, const MemoryRegion& region);

  static void AddPages(uint64_t pages) { pages_ += pages; }
  static const std::string& Address(size_t way) { return daemons_[way]->address(); }

  std::optional<TargetProcess> target_;
  static uint64_t pages_, comparisons_, unknown_;

 private:
  std::vector<std::string> CompareWay(pid_t pid, const MemoryRegion& region, bool object_view,
                                      size_t way);

  static SwapDevice* device_;
  static std::vector<std::unique_ptr<DaemonProcess>> daemons_;
};
SwapDevice* TruthTest::device_ = nullptr;
std::vector<std::unique_ptr<DaemonProcess>> TruthTest::daemons_;
uint64_t TruthTest::pages_, TruthTest::comparisons_, TruthTest::unknown_;

v1::PageState Expected(const TruePage& page) {
  switch (page.state) {
    case TrueState::kHole:
      return v1::PAGE_STATE_HOLE;
    case TrueState::kMapped:
      return v1::PAGE_STATE_MAPPED;
    case TrueState::kCached:
      return v1::PAGE_STATE_CACHED;
    case TrueState::kSwapped:
      return v1::PAGE_STATE_SWAPPED;
    case TrueState::kSpecial:
      return v1::PAGE_STATE_SPECIAL;
  }
  return v1::PAGE_STATE_UNSPECIFIED;
}

// Where it is, as well as what. Of a swapped page of an object the oracle knows the slot only where
// a patched kernel's pagemap shows it.
bool SamePlace(const TruePage& truth, const ReportedPage& said, bool places) {
  if (said.has_pfn != (truth.state == TrueState::kMapped) ||
      said.has_slot != (truth.state == TrueState::kSwapped && (truth.has_slot || places))) {
    return false;
  }
  if (said.has_pfn && said.pfn != truth.pfn) return false;
  return !said.has_slot || !truth.has_slot ||
         (said.swap_type == truth.swap_type && said.swap_offset == truth.swap_offset);
}

// Takes back what the oracle learnt from a patched kernel's pagemap alone: an entry in swap that is
// a file's.
absl::Status HideSharedSlots(pid_t pid, const MemoryRegion& region, std::vector<TruePage>* truth) {
  absl::StatusOr<std::vector<uint64_t>> entries = ReadPagemap(pid, region.address, region.pages);
  if (!entries.ok()) return entries.status();
  for (uint64_t i = 0; i < region.pages; ++i) {
    TruePage& page = (*truth)[i];
    if (!page.has_slot || ((*entries)[i] >> 61 & 1) == 0) continue;
    page.has_slot = false;
    page.swap_type = 0;
    page.swap_offset = 0;
  }
  return absl::OkStatus();
}

std::vector<std::string> TruthTest::CompareWay(pid_t pid, const MemoryRegion& region,
                                               bool object_view, size_t way) {
  const bool no_object = object_view && region.backing == Backing::kNone;
  absl::StatusOr<std::vector<TruePage>> truth = TruthOf(pid, region, object_view && !no_object);
  if (!truth.ok()) return {truth.status().ToString()};
  if (KernelHasMarker() && !Ways()[way].places && !object_view) {
    absl::Status hidden = HideSharedSlots(pid, region, &*truth);
    if (!hidden.ok()) return {hidden.ToString()};
  }
  std::vector<std::string> failures;
  PageReport report(region.address, region.pages);
  std::string range =
      absl::StrFormat("%x-%x", region.address, region.address + region.pages * kPageBytes);
  uint64_t bad_lines = 0;
  auto swap_cached = SwapCachedPages();
  v1::PageExtent previous;
  auto result = RunCtl(
      daemons_[way]->address(),
      {"-o", "jsonl", "pages", absl::StrCat(pid), "--range", range, "--view",
       object_view ? "object" : "process"},
      [&](absl::string_view line) {
        absl::StatusOr<PageLine> parsed = ParsePageLine(line);
        absl::Status added = parsed.ok() ? report.Add(parsed->extent) : parsed.status();
        bool right = true;
        if (added.ok()) {
          uint64_t index = (parsed->extent.start() - region.address) / kPageBytes;
          right = parsed->pid == pid && parsed->start_time_ticks != 0 &&
                  (region.backing == Backing::kNone || parsed->index == region.first_index + index);
          // Extents are maximal.
          if (Continues(previous, parsed->extent)) right = false;
          previous = parsed->extent;
        }
        if ((!added.ok() || !right) && ++bad_lines <= 3) {
          failures.push_back(absl::StrCat(added.ToString(), ": ", line));
        }
      });
  auto swap_cached_after = SwapCachedPages();
  if (!result.ok() || result->exit_code != 0) {
    failures.push_back(result.ok() ? absl::StrCat("exit ", result->exit_code, ": ", result->err)
                                   : result.status().ToString());
    return failures;
  }
  bool swap_cache_in_use =
      !swap_cached.ok() || *swap_cached != 0 || !swap_cached_after.ok() || *swap_cached_after != 0;
  uint64_t wrong = 0;
  std::set<std::pair<uint32_t, uint64_t>> slots;
  for (uint64_t i = 0; i < region.pages; ++i) {
    const ReportedPage& said = report.pages()[i];
    ++comparisons_;
    if (said.has_slot && !slots.emplace(said.swap_type, said.swap_offset).second) {
      failures.push_back(absl::StrFormat("page %d has another's slot %#x", i, said.swap_offset));
    }
    if (no_object) {
      if (said.state == v1::PAGE_STATE_UNKNOWN) continue;
    } else if (said.state == v1::PAGE_STATE_UNKNOWN && Ways()[way].mincore && swap_cache_in_use &&
               region.backing == Backing::kShmem && !(*truth)[i].has_slot &&
               ((*truth)[i].state == TrueState::kCached ||
                (*truth)[i].state == TrueState::kSwapped)) {
      ++unknown_;
      continue;
    } else if (said.state == Expected((*truth)[i]) &&
               SamePlace((*truth)[i], said, Ways()[way].places)) {
      continue;
    }
    if (++wrong <= 5) {
      failures.push_back(absl::StrFormat(
          "page %d at %#x: truth %s slot %d:%#x pfn %#x; said %s slot %d:%#x pfn %#x", i,
          region.address + i * kPageBytes, Name((*truth)[i].state), (*truth)[i].swap_type,
          (*truth)[i].swap_offset, (*truth)[i].pfn, v1::PageState_Name(said.state), said.swap_type,
          said.swap_offset, said.pfn));
    }
  }
  if (wrong > 0) failures.push_back(absl::StrCat(wrong, " pages wrong"));
  return failures;
}

void TruthTest::Compare(pid_t pid, const MemoryRegion& region) {
  pages_ += region.pages;
  for (bool object_view : {false, true}) {
    for (size_t way = 0; way < Ways().size(); ++way) {
      std::vector<std::string> failures =
          CheckSteadily(pid, region, [&] { return CompareWay(pid, region, object_view, way); });
      for (const std::string& failure : failures) {
        ADD_FAILURE() << Ways()[way].name << ", " << (object_view ? "object" : "process")
                      << " view: " << failure;
      }
    }
  }
}

class KindTest : public TruthTest,
                 public ::testing::WithParamInterface<std::tuple<MemoryKind, Mix>> {
 protected:
  static void TearDownTestSuite() {
    const auto& run = *::testing::UnitTest::GetInstance();
    if (run.test_to_run_count() == run.total_test_count()) {
      EXPECT_GE(pages_, 30 * kPages);
    }
    // Even where the rest of the system has pages in the swap cache: resident ones alone may be
    // unknown, and to a third of the ways.
    EXPECT_LE(unknown_, comparisons_ / 20);
    TruthTest::TearDownTestSuite();
  }
};

TEST_P(KindTest, EveryPageIsAsTheOracleSays) {
  auto [kind, mix] = GetParam();
  // A disk is slow.
  const uint64_t pages = kind == MemoryKind::kDiskFile ? kPages / 8 : kPages;
  absl::StatusOr<MemoryRegion> region = MapRegion(*target_, kind, pages);
  ASSERT_TRUE(region.ok()) << region.status();
  absl::Status shaped =
      Shape(*target_, *region, MakeMix(mix, pages, WishesFor(kind), static_cast<int>(kind) + 1));
  ASSERT_TRUE(shaped.ok()) << shaped;
  Compare(target_->pid(), *region);
}

std::string ParamName(const ::testing::TestParamInfo<std::tuple<MemoryKind, Mix>>& info) {
  std::string name =
      absl::StrCat(Name(std::get<0>(info.param)), "_", Name(std::get<1>(info.param)));
  std::string word;
  for (char c : name) word += isalnum(c) ? c : '_';
  return word;
}

INSTANTIATE_TEST_SUITE_P(
    All, KindTest,
    ::testing::Combine(::testing::Values(MemoryKind::kMemfd, MemoryKind::kDevShm, MemoryKind::kSysV,
                                         MemoryKind::kSharedAnon, MemoryKind::kPrivateAnon,
                                         MemoryKind::kPrivateMemfd, MemoryKind::kDiskFile),
                       ::testing::ValuesIn(kMixes)),
    ParamName);

// Parent and child see the same objects and, of private memory, what each has written since.
TEST_F(TruthTest, AForkChildHasItsOwnAnswers) {
  const uint64_t kForked = kPages / 2;
  std::vector<MemoryRegion> regions;
  for (MemoryKind kind : {MemoryKind::kMemfd, MemoryKind::kSharedAnon, MemoryKind::kPrivateAnon}) {
    absl::StatusOr<MemoryRegion> region = MapRegion(*target_, kind, kForked);
    ASSERT_TRUE(region.ok()) << region.status();
    absl::Status shaped =
        Shape(*target_, *region, MakeMix(Mix::kRandom, kForked, WishesFor(kind), 7));
    ASSERT_TRUE(shaped.ok()) << shaped;
    regions.push_back(*std::move(region));
  }
  absl::StatusOr<TargetProcess> child = target_->Fork();
  ASSERT_TRUE(child.ok()) << child.status();
  std::mt19937_64 lots(1);
  for (const MemoryRegion& region : regions) {
    std::vector<PageRun> childs, parents;
    for (uint64_t i = 0; i < kForked; ++i) {
      uint64_t lot = lots() % 16;
      if (lot == 0) childs.push_back({i, 1});
      if (lot == 1) parents.push_back({i, 1});
    }
    ASSERT_TRUE(child->Write(region.address, childs).ok());
    ASSERT_TRUE(target_->Write(region.address, parents).ok());
    Compare(child->pid(), region);
    Compare(target_->pid(), region);
  }
}

// hugetlb pages are mapped or not; of those that are not, a shared object may or may not have one,
// and no interface tells which.
TEST_F(TruthTest, Hugetlb) {
  absl::StatusOr<Knob> reserve = Knob::Take("/proc/sys/vm/nr_hugepages");
  ASSERT_TRUE(reserve.ok()) << reserve.status();
  constexpr uint64_t kHuge = 32;
  if (!reserve->Set(absl::StrCat(kHuge)).ok() || *reserve->Get() != absl::StrCat(kHuge)) {
    GTEST_SKIP() << "no huge pages to be had";
  }
  for (MemoryKind kind : {MemoryKind::kHugetlbPrivate, MemoryKind::kHugetlbShared}) {
    SCOPED_TRACE(Name(kind));
    constexpr uint64_t kPagesOfKind = kHuge / 2 * 512;
    absl::StatusOr<MemoryRegion> region = MapRegion(*target_, kind, kPagesOfKind);
    ASSERT_TRUE(region.ok()) << region.status();
    std::vector<PageWish> plan(kPagesOfKind, PageWish::kUntouched);
    for (uint64_t i = 0; i < kPagesOfKind; i += 1024) plan[i] = PageWish::kMapped;
    ASSERT_TRUE(Shape(*target_, *region, plan).ok());
    absl::StatusOr<std::vector<TruePage>> truth = TruthOf(target_->pid(), *region, false);
    ASSERT_TRUE(truth.ok()) << truth.status();
    AddPages(kPagesOfKind);
    for (size_t way = 0; way < Ways().size(); ++way) {
      SCOPED_TRACE(Ways()[way].name);
      PageReport report(region->address, kPagesOfKind);
      auto result = RunCtl(
          Address(way),
          {"-o", "jsonl", "pages", absl::StrCat(target_->pid()), "--range",
           absl::StrFormat("%x-%x", region->address, region->address + kPagesOfKind * kPageBytes)},
          [&](absl::string_view line) {
            auto parsed = ParsePageLine(line);
            ASSERT_TRUE(parsed.ok()) << parsed.status();
            EXPECT_TRUE(report.Add(parsed->extent).ok()) << line;
          });
      ASSERT_TRUE(result.ok()) << result.status();
      ASSERT_EQ(result->exit_code, 0) << result->err;
      uint64_t wrong = 0, mapped = 0;
      for (uint64_t i = 0; i < kPagesOfKind; ++i) {
        v1::PageState said = report.pages()[i].state;
        if ((*truth)[i].state == TrueState::kMapped) {
          ++mapped;
          wrong +=
              said != v1::PAGE_STATE_MAPPED || !SamePlace((*truth)[i], report.pages()[i], false);
        } else {
          wrong += said != (kind == MemoryKind::kHugetlbShared ? v1::PAGE_STATE_UNKNOWN
                                                               : v1::PAGE_STATE_HOLE);
        }
      }
      EXPECT_EQ(mapped, kPagesOfKind / 2);
      EXPECT_EQ(wrong, 0u);
    }
  }
}

// Huge pages, and large entries in the page cache of those that went out whole or in part.
TEST_F(TruthTest, TransparentHugePages) {
  constexpr uint64_t kThpPages = 32768;
  const std::string kThp = "/sys/kernel/mm/transparent_hugepage/";
  absl::StatusOr<Knob> anon = Knob::Take(kThp + "enabled");
  absl::StatusOr<Knob> shmem = Knob::Take(kThp + "shmem_enabled");
  if (!anon.ok() || !shmem.ok()) GTEST_SKIP() << "no THP";
  ASSERT_TRUE(anon->Set("madvise").ok() && shmem->Set("advise").ok());
  for (MemoryKind kind : {MemoryKind::kMemfd, MemoryKind::kSharedAnon, MemoryKind::kPrivateAnon}) {
    SCOPED_TRACE(Name(kind));
    absl::StatusOr<MemoryRegion> region = MapRegion(*target_, kind, kThpPages);
    ASSERT_TRUE(region.ok()) << region.status();
    ASSERT_TRUE(target_->Advise(region->address, {{0, kThpPages}}, MADV_HUGEPAGE).ok());
    ASSERT_TRUE(target_->Write(region->address, {{0, kThpPages / 4 * 3}}).ok());
    uint64_t huge = 0;
    absl::StatusOr<std::vector<uint64_t>> entries =
        ReadPagemap(target_->pid(), region->address, kThpPages);
    ASSERT_TRUE(entries.ok()) << entries.status();
    for (uint64_t i = 0; i < kThpPages; i += 256) {
      constexpr uint64_t kThpBit = 1 << 22;
      uint64_t entry = (*entries)[i];
      if (entry >> 63) {
        huge += (*ReadKpageflags(entry & ((uint64_t{1} << 55) - 1)) & kThpBit) != 0;
      }
    }
    EXPECT_GT(huge, 0u);
    Compare(target_->pid(), *region);
    // Whole, in part, and again in part of what was mapped anew.
    ASSERT_TRUE(PageOutRuns(*target_, region->address, {{0, 8192}, {9000, 100}, {12345, 1}}).ok());
    Compare(target_->pid(), *region);
    ASSERT_TRUE(target_->Read(region->address, {{100, 1}, {1024, 600}, {9050, 1}}).ok());
    ASSERT_TRUE(target_->Advise(region->address, {{1100, 300}, {16000, 3000}}, MADV_DONTNEED).ok());
    Compare(target_->pid(), *region);
  }
}

// Pages of the mapping that the object does not reach to.
TEST_F(TruthTest, AnObjectCutShort) {
  absl::StatusOr<MemoryRegion> region = MapRegion(*target_, MemoryKind::kMemfd, 4096);
  ASSERT_TRUE(region.ok()) << region.status();
  ASSERT_TRUE(
      Shape(*target_, *region, MakeMix(Mix::kRandom, 4096, WishesFor(MemoryKind::kMemfd), 9)).ok());
  for (uint64_t pages : {3000, 17, 0}) {
    ASSERT_EQ(ftruncate(region->object.get(), pages * kPageBytes + 123), 0);
    Compare(target_->pid(), *region);
  }
}

}  // namespace
}  // namespace pagemapd
