// What becomes of pages that are paged out: by every kind of memory, and by all that can stand in
// the way. The oracle, and the content of the pages, have the last word.

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/integration/page_out_fixture.h"
#include "tests/testing/knob.h"
#include "tests/testing/oracle.h"
#include "tests/testing/swap_device.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kPages = 4096;
constexpr int kReadWrite = PROT_READ | PROT_WRITE;

// A page in a hundred may be what the machine made of it meanwhile.
constexpr uint64_t MostOf(uint64_t pages) { return pages - pages / 100; }

// With a swap area that is written at once, so that no copy stays in RAM.
class OutcomesTest : public PageOutTest {
 protected:
  void SetUp() override {
    absl::StatusOr<SwapDevice> device = SwapDevice::Create(512 << 20);
    ASSERT_TRUE(device.ok()) << device.status();
    device_.emplace(*std::move(device));
    PageOutTest::SetUp();
  }
  void TearDown() override { target_.reset(); }

  uint64_t CountTrue(const MemoryRegion& region, TrueState state) {
    absl::StatusOr<std::vector<TruePage>> truth =
        TruthOf(target_->pid(), region, /*object_view=*/false);
    EXPECT_TRUE(truth.ok()) << truth.status();
    uint64_t pages = 0;
    for (const TruePage& page : truth.value_or(std::vector<TruePage>())) {
      pages += page.state == state;
    }
    return pages;
  }

  std::optional<SwapDevice> device_;
};

class KindsTest : public OutcomesTest, public ::testing::WithParamInterface<MemoryKind> {};

TEST_P(KindsTest, GoesToSwapAndComesBackIntact) {
  const MemoryRegion region = Written(GetParam(), kPages);
  PageOutAnswer answer = PageOut(region);
  EXPECT_GE(answer.counts.achieved(), MostOf(kPages)) << answer.Text();
  EXPECT_GE(answer.PagesOf(v1::PAGE_OUT_OUTCOME_PAGED_OUT), MostOf(kPages)) << answer.Text();
  EXPECT_GE(CountTrue(region, TrueState::kSwapped), MostOf(kPages));

  // There is nothing left to do.
  answer = PageOut(region);
  EXPECT_GE(answer.PagesOf(v1::PAGE_OUT_OUTCOME_ALREADY_SWAPPED), MostOf(kPages)) << answer.Text();
  EXPECT_LE(answer.counts.attempted(), kPages - MostOf(kPages)) << answer.Text();
  EXPECT_EQ(CheckWritten(target_->pid(), region, {{0, kPages}}), absl::OkStatus());
}

INSTANTIATE_TEST_SUITE_P(All, KindsTest,
                         ::testing::Values(MemoryKind::kMemfd, MemoryKind::kDevShm,
                                           MemoryKind::kSysV, MemoryKind::kSharedAnon,
                                           MemoryKind::kPrivateAnon, MemoryKind::kPrivateMemfd),
                         [](const auto& info) {
                           std::string name = Name(info.param);
                           for (char& c : name) {
                             if (!isalnum(static_cast<unsigned char>(c))) c = '_';
                           }
                           return name;
                         });

TEST_F(OutcomesTest, TellsEachPageOfAMixApart) {
  absl::StatusOr<MemoryRegion> region = MapRegion(*target_, MemoryKind::kMemfd, kPages);
  ASSERT_TRUE(region.ok()) << region.status();
  const std::vector<PageWish> plan =
      MakeMix(Mix::kRunLength, kPages, WishesFor(MemoryKind::kMemfd), 11);
  ASSERT_TRUE(Shape(*target_, *region, plan).ok());
  const auto before = TruthOf(target_->pid(), *region, /*object_view=*/false);
  ASSERT_TRUE(before.ok()) << before.status();
  const PageOutAnswer answer = PageOut(*region);
  uint64_t wrong = 0;
  for (uint64_t i = 0; i < kPages; ++i) {
    const v1::PageOutOutcome outcome = answer.OutcomeAt(region->address + i * kPageBytes);
    switch ((*before)[i].state) {
      case TrueState::kHole:
        wrong += outcome != v1::PAGE_OUT_OUTCOME_HOLE;
        break;
      case TrueState::kSwapped:
        wrong += outcome != v1::PAGE_OUT_OUTCOME_ALREADY_SWAPPED;
        break;
      case TrueState::kCached:
      case TrueState::kMapped:
        wrong += outcome != v1::PAGE_OUT_OUTCOME_PAGED_OUT;
        break;
      case TrueState::kSpecial:
        ++wrong;
    }
  }
  EXPECT_LE(wrong, kPages - MostOf(kPages)) << answer.Text();
}

TEST_F(OutcomesTest, PagesOutWhatIsAskedForAndNothingElse) {
  const MemoryRegion region = Written(MemoryKind::kMemfd, kPages);
  const auto at = [&](uint64_t page) { return region.address + page * kPageBytes; };
  // Every other page; overlapping, repeated and out of order.
  v1::PageOutRequest request = PageOutOf(
      target_->pid(),
      {{at(3000), 100}, {at(1000), 600}, {at(1500), 300}, {at(1500), 300}, {at(1200), 1}});
  for (uint64_t page = 1; page < 1000; page += 2) {
    v1::AddressRange& range = *request.add_ranges()->mutable_range();
    range.set_start(at(page));
    range.set_end(at(page + 1));
  }
  const PageOutAnswer answer = PageOut(request);
  CheckWhole(request, answer);
  EXPECT_EQ(answer.counts.asked(), 100u + 800u + 500u);
  EXPECT_GE(answer.counts.achieved(), MostOf(1400)) << answer.Text();
  const auto truth = TruthOf(target_->pid(), region, /*object_view=*/false);
  ASSERT_TRUE(truth.ok()) << truth.status();
  uint64_t out_unasked = 0;
  for (uint64_t i = 0; i < kPages; ++i) {
    const bool asked = (i >= 3000 && i < 3100) || (i >= 1000 && i < 1800) || (i < 1000 && i % 2);
    if (!asked) out_unasked += (*truth)[i].state == TrueState::kSwapped;
  }
  EXPECT_LE(out_unasked, (kPages - 1400) / 100);
  EXPECT_EQ(CheckWritten(target_->pid(), region, {{0, kPages}}), absl::OkStatus());
}

// Pages of private memory that were only read: there is nothing to page out, and nobody shares it.
TEST_F(OutcomesTest, TakesThePageOfZerosForNone) {
  absl::StatusOr<MemoryRegion> region = MapRegion(*target_, MemoryKind::kPrivateAnon, 512);
  ASSERT_TRUE(region.ok()) << region.status();
  // A huge page of zeros would be one entry.
  ASSERT_TRUE(target_->Advise(region->address, {{0, 512}}, MADV_NOHUGEPAGE).ok());
  ASSERT_TRUE(target_->Read(region->address, {{0, 256}}).ok());
  ASSERT_EQ(CountTrue(*region, TrueState::kMapped), 256u);
  const PageOutAnswer answer = PageOut(*region);
  EXPECT_EQ(answer.PagesOf(v1::PAGE_OUT_OUTCOME_HOLE), 512u) << answer.Text();
  EXPECT_EQ(answer.counts.attempted(), 0u);
}

TEST_F(OutcomesTest, DryRunChangesNothing) {
  const MemoryRegion region = Written(MemoryKind::kMemfd, kPages);
  v1::PageOutRequest request = PageOutOf(target_->pid(), {{region.address, kPages}});
  request.set_dry_run(true);
  const PageOutAnswer answer = PageOut(request);
  CheckWhole(request, answer);
  EXPECT_GE(answer.PagesOf(v1::PAGE_OUT_OUTCOME_WOULD_PAGE_OUT), MostOf(kPages)) << answer.Text();
  EXPECT_EQ(answer.counts.attempted(), 0u);
  EXPECT_EQ(answer.counts.achieved(), 0u);
  EXPECT_GE(CountTrue(region, TrueState::kMapped), MostOf(kPages));
}

TEST_F(OutcomesTest, LeavesLockedMemory) {
  const MemoryRegion region = Written(MemoryKind::kPrivateAnon, 256);
  const uint64_t locked = region.address + 64 * kPageBytes;
  ASSERT_TRUE(target_->Syscall(SYS_mlock, {locked, 64 * kPageBytes}).ok());
  for (const bool dry_run : {true, false}) {
    v1::PageOutRequest request = PageOutOf(target_->pid(), {{region.address, 256}});
    request.set_dry_run(dry_run);
    const PageOutAnswer answer = PageOut(request);
    CheckWhole(request, answer);
    EXPECT_EQ(answer.PagesOf(v1::PAGE_OUT_OUTCOME_LOCKED), 64u) << answer.Text();
    EXPECT_EQ(answer.OutcomeAt(locked), v1::PAGE_OUT_OUTCOME_LOCKED);
    EXPECT_GE(answer.PagesOf(dry_run ? v1::PAGE_OUT_OUTCOME_WOULD_PAGE_OUT
                                     : v1::PAGE_OUT_OUTCOME_PAGED_OUT),
              MostOf(192))
        << answer.Text();
  }
}

TEST_F(OutcomesTest, LeavesHugetlbAndWhatIsNoMemory) {
  absl::StatusOr<Knob> huge_pages = Knob::Take("/proc/sys/vm/nr_hugepages");
  ASSERT_TRUE(huge_pages.ok()) << huge_pages.status();
  ASSERT_TRUE(huge_pages->Set("4").ok());
  const MemoryRegion region = Written(MemoryKind::kHugetlbShared, 1024);
  PageOutAnswer answer = PageOut(region);
  EXPECT_EQ(answer.PagesOf(v1::PAGE_OUT_OUTCOME_HUGETLB), 1024u) << answer.Text();
  EXPECT_EQ(answer.counts.attempted(), 0u);

  // A gap of the process's own making, between two pages.
  absl::StatusOr<uint64_t> three =
      target_->Map(3 * kPageBytes, kReadWrite, MAP_PRIVATE | MAP_ANONYMOUS);
  ASSERT_TRUE(three.ok()) << three.status();
  ASSERT_TRUE(target_->Syscall(SYS_munmap, {*three + kPageBytes, kPageBytes}).ok());
  const v1::PageOutRequest request =
      PageOutOf(target_->pid(), {{*three, 3}, {0xffffffffff600000, 1}});
  answer = PageOut(request);
  CheckWhole(request, answer);
  EXPECT_EQ(answer.OutcomeAt(*three), v1::PAGE_OUT_OUTCOME_HOLE) << answer.Text();
  EXPECT_EQ(answer.OutcomeAt(*three + kPageBytes), v1::PAGE_OUT_OUTCOME_NO_MAPPING);
  EXPECT_EQ(answer.OutcomeAt(*three + 2 * kPageBytes), v1::PAGE_OUT_OUTCOME_HOLE);
  EXPECT_EQ(answer.OutcomeAt(0xffffffffff600000), v1::PAGE_OUT_OUTCOME_NOT_PAGEABLE);
}

TEST_F(OutcomesTest, LeavesWhatAnotherProcessMapsToo) {
  const MemoryRegion region = Written(MemoryKind::kMemfd, 512);
  absl::StatusOr<TargetProcess> child = target_->Fork();
  ASSERT_TRUE(child.ok()) << child.status();
  // Of shared memory a child has no page before it touches it.
  ASSERT_TRUE(child->Read(region.address, {{128, 256}}).ok());
  v1::PageOutRequest request = PageOutOf(target_->pid(), {{region.address, 512}});
  request.set_dry_run(true);
  PageOutAnswer answer = PageOut(request);
  // The kernel maps the neighbours of a page that is read.
  EXPECT_GE(answer.PagesOf(v1::PAGE_OUT_OUTCOME_SHARED), 256u) << answer.Text();
  EXPECT_EQ(answer.OutcomeAt(region.address + 256 * kPageBytes), v1::PAGE_OUT_OUTCOME_SHARED);
  answer = PageOut(region);
  EXPECT_GE(answer.PagesOf(v1::PAGE_OUT_OUTCOME_SHARED), 256u) << answer.Text();
  EXPECT_GE(answer.PagesOf(v1::PAGE_OUT_OUTCOME_PAGED_OUT), 200u) << answer.Text();
  EXPECT_EQ(CheckWritten(target_->pid(), region, {{0, 512}}), absl::OkStatus());
  EXPECT_EQ(CheckWritten(child->pid(), region, {{0, 512}}), absl::OkStatus());
}

// The kernel has dropped them from the page table, say, before it found that swap was full.
TEST_F(OutcomesTest, PagesOutWhatIsInNoPageTable) {
  const MemoryRegion region = Written(MemoryKind::kMemfd, 512);
  ASSERT_TRUE(target_->Advise(region.address, {{0, 512}}, MADV_DONTNEED).ok());
  absl::StatusOr<TargetProcess> child = target_->Fork();
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_TRUE(child->Read(region.address, {{256, 1}}).ok());
  const PageOutAnswer answer = PageOut(region);
  // What the child maps, and what the kernel mapped around that, stays.
  EXPECT_EQ(answer.OutcomeAt(region.address + 256 * kPageBytes),
            v1::PAGE_OUT_OUTCOME_NOT_IN_PAGE_TABLE)
      << answer.Text();
  EXPECT_GE(answer.PagesOf(v1::PAGE_OUT_OUTCOME_PAGED_OUT), 512u - 32) << answer.Text();
  EXPECT_EQ(CheckWritten(target_->pid(), region, {{0, 512}}), absl::OkStatus());
}

TEST_F(OutcomesTest, LeavesAMappingThatIsNotTheExpectedOne) {
  const MemoryRegion region = Written(MemoryKind::kMemfd, 512);
  struct stat object;
  ASSERT_EQ(fstat(region.object.get(), &object), 0);
  v1::PageOutRequest request = PageOutOf(target_->pid(), {{region.address, 128},
                                                          {region.address + 128 * kPageBytes, 128},
                                                          {region.address + 256 * kPageBytes, 128},
                                                          {region.address + 384 * kPageBytes, 128},
                                                          {kPageBytes, 1}});
  const auto expect = [&](int range, uint64_t inode, uint64_t index) {
    auto& expected = *request.mutable_ranges(range)->mutable_expected();
    expected.mutable_object()->set_device_major(major(object.st_dev));
    expected.mutable_object()->set_device_minor(minor(object.st_dev));
    expected.mutable_object()->set_inode(inode);
    expected.set_object_index(region.first_index + index);
  };
  expect(0, object.st_ino, 0);
  // Another file; another place in the file; private memory; and where nothing is.
  expect(1, object.st_ino + 1, 128);
  expect(2, object.st_ino, 257);
  request.mutable_ranges(3)->mutable_expected();
  request.mutable_ranges(4)->mutable_expected();
  const PageOutAnswer answer = PageOut(request);
  CheckWhole(request, answer);
  EXPECT_EQ(answer.PagesOf(v1::PAGE_OUT_OUTCOME_MAPPING_CHANGED), 385u) << answer.Text();
  EXPECT_GE(answer.PagesOf(v1::PAGE_OUT_OUTCOME_PAGED_OUT), MostOf(128)) << answer.Text();
  EXPECT_LE(CountTrue(region, TrueState::kSwapped), 128u + 5);
}

// Says so, and does not claim success, where the kernel claims it.
TEST_F(OutcomesTest, NeedsARightToTheFile) {
  Start({}, {"/usr/bin/setpriv", "--bounding-set=-fowner,-dac_override"});
  const MemoryRegion region = Written(MemoryKind::kDevShm, 512);
  ASSERT_EQ(fchown(region.object.get(), 65534, 65534), 0);
  ASSERT_EQ(fchmod(region.object.get(), 0600), 0);
  v1::PageOutRequest request = PageOutOf(target_->pid(), {{region.address, 512}});
  request.set_dry_run(true);
  PageOutAnswer answer = PageOut(request);
  CheckWhole(request, answer);
  EXPECT_EQ(answer.PagesOf(v1::PAGE_OUT_OUTCOME_FILE_NOT_OWNED), 512u) << answer.Text();
  answer = PageOut(region);
  EXPECT_EQ(answer.PagesOf(v1::PAGE_OUT_OUTCOME_FILE_NOT_OWNED), 512u) << answer.Text();
  EXPECT_EQ(answer.counts.achieved(), 0u);
  EXPECT_EQ(CountTrue(region, TrueState::kSwapped), 0u);
  // One who may write it has that right.
  ASSERT_EQ(fchmod(region.object.get(), 0666), 0);
  answer = PageOut(region);
  EXPECT_GE(answer.counts.achieved(), MostOf(512)) << answer.Text();
}

TEST_F(OutcomesTest, PagesOfAFileOnDiskLeaveThePageCache) {
  absl::StatusOr<MemoryRegion> region = MapRegion(*target_, MemoryKind::kDiskFile, 512);
  ASSERT_TRUE(region.ok()) << region.status();
  ASSERT_TRUE(target_->Write(region->address, {{0, 512}}).ok());
  ASSERT_TRUE(target_->Syscall(SYS_msync, {region->address, 512 * kPageBytes, MS_SYNC}).ok());
  const PageOutAnswer answer = PageOut(*region);
  EXPECT_GE(answer.PagesOf(v1::PAGE_OUT_OUTCOME_PAGED_OUT), MostOf(512)) << answer.Text();
  const auto counts = CountObject(region->object.get(), region->first_index, 512);
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_LE(counts->cached, 512 - MostOf(512));
  EXPECT_EQ(CheckWritten(target_->pid(), *region, {{0, 512}}), absl::OkStatus());
}

// A device that is written in its own time: the page is in swap, and yet still in RAM.
TEST_F(PageOutTest, TellsOfCopiesInTheSwapCache) {
  absl::StatusOr<SwapDevice> device = SwapDevice::Create(256 << 20, SwapDevice::Kind::kLoop);
  ASSERT_TRUE(device.ok()) << device.status();
  const MemoryRegion region = Written(MemoryKind::kMemfd, kPages);
  PageOutAnswer answer = PageOut(region);
  EXPECT_GE(answer.counts.achieved(), MostOf(kPages)) << answer.Text();
  const uint64_t copies = answer.PagesOf(v1::PAGE_OUT_OUTCOME_IN_SWAP_CACHE);
  EXPECT_GT(copies, 0u) << answer.Text();
  EXPECT_EQ(copies + answer.PagesOf(v1::PAGE_OUT_OUTCOME_PAGED_OUT), answer.counts.achieved());
  answer = PageOut(region);
  EXPECT_LE(answer.counts.attempted(), kPages - MostOf(kPages)) << answer.Text();
  EXPECT_EQ(CheckWritten(target_->pid(), region, {{0, kPages}}), absl::OkStatus());
  target_.reset();
}

TEST_F(PageOutTest, SaysThatThereIsNoSwapSpace) {
  const std::string swaps = *ReadText("/proc/swaps");
  ASSERT_EQ(std::count(swaps.begin(), swaps.end(), '\n'), 1)
      << "takes a machine without swap of its own:\n"
      << swaps;
  const MemoryRegion shared = Written(MemoryKind::kMemfd, kPages);
  const MemoryRegion own = Written(MemoryKind::kPrivateAnon, kPages);
  v1::PageOutRequest request =
      PageOutOf(target_->pid(), {{shared.address, kPages}, {own.address, kPages}});
  request.set_dry_run(true);
  PageOutAnswer answer = PageOut(request);
  CheckWhole(request, answer);
  EXPECT_EQ(answer.PagesOf(v1::PAGE_OUT_OUTCOME_NO_SWAP_SPACE), 2 * kPages) << answer.Text();
  request.set_dry_run(false);
  answer = PageOut(request);
  CheckWhole(request, answer);
  EXPECT_EQ(answer.PagesOf(v1::PAGE_OUT_OUTCOME_NO_SWAP_SPACE), 2 * kPages) << answer.Text();
  EXPECT_EQ(answer.counts.achieved(), 0u);

  // Room for some of it: what does not find any is told from what does. Part of that is in no page
  // table any more: the kernel took it from there before it found out.
  constexpr uint64_t kRoom = 3072;
  absl::StatusOr<SwapDevice> device = SwapDevice::Create(kRoom * kPageBytes);
  ASSERT_TRUE(device.ok()) << device.status();
  answer = PageOut(request);
  CheckWhole(request, answer);
  EXPECT_GT(answer.counts.achieved(), kRoom / 2) << answer.Text();
  EXPECT_LT(answer.counts.achieved(), kRoom) << answer.Text();
  EXPECT_GE(answer.PagesOf(v1::PAGE_OUT_OUTCOME_NO_SWAP_SPACE), 2 * kPages - kRoom)
      << answer.Text();
  EXPECT_EQ(CheckWritten(target_->pid(), shared, {{0, kPages}}), absl::OkStatus());
  EXPECT_EQ(CheckWritten(target_->pid(), own, {{0, kPages}}), absl::OkStatus());
  target_.reset();
}

}  // namespace
}  // namespace pagemapd
