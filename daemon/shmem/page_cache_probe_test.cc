#include "daemon/shmem/page_cache_probe.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "daemon/page/page_size.h"
#include "daemon/procfs/scratch_root.h"
#include "daemon/sys/cachestat.h"

namespace pagemapd {
namespace {

// Everything here is on the live kernel. Pages in swap are for tests/integration, where a swap
// device is.
class PageCacheProbeTest : public ::testing::TestWithParam<PageCacheProbe::Method> {
 protected:
  static constexpr uint64_t kPages = 3000;

  PageCacheProbeTest()
      : object_(UniqueFd(memfd_create("page_cache_probe_test", MFD_CLOEXEC)),
                SharedObject::Kind::kTmpfs),
        probe_(GetParam(), scratch_.root()) {
    // Whatever else swaps on this machine, what is made here is not swapped.
    WriteMeminfo(/*swap_in_use=*/false);
    EXPECT_EQ(ftruncate(object_.fd(), kPages << kPageShift), 0);
  }

  void WriteMeminfo(bool swap_in_use) {
    scratch_.Write("meminfo", std::string("SwapCached: 0 kB\nSwapTotal: 8 kB\nSwapFree: ") +
                                  (swap_in_use ? "4 kB\n" : "8 kB\n"));
  }

  void Write(uint64_t page) {
    EXPECT_EQ(pwrite(object_.fd(), "x", 1, static_cast<off_t>(page << kPageShift)), 1);
  }

  std::vector<PageState> Resolve(uint64_t first, uint64_t pages) {
    std::vector<PageRecord> records(pages);
    auto resolution = probe_.Resolve(object_, first, absl::MakeSpan(records), {/*may_count=*/true});
    EXPECT_TRUE(resolution.ok()) << resolution.status();
    std::vector<PageState> states;
    for (PageRecord record : records) states.push_back(record.state());
    return states;
  }

  ScratchRoot scratch_;
  SharedObject object_;
  PageCacheProbe probe_;
};

TEST_P(PageCacheProbeTest, MincoreCannotTellASwapCacheCopy) {
  Write(1);
  // Slots are in use, and the count of copies cannot be had.
  WriteMeminfo(/*swap_in_use=*/true);
  const PageState resident =
      GetParam() == PageCacheProbe::Method::kMincore ? PageState::kUnknown : PageState::kCached;
  EXPECT_EQ(Resolve(0, 2), (std::vector<PageState>{PageState::kHole, resident}));
}

TEST_P(PageCacheProbeTest, WhatIsKnownNotToBeSwappedMincoreCanTell) {
  Write(1);
  WriteMeminfo(/*swap_in_use=*/true);
  std::vector<PageRecord> records(3);
  auto resolution = probe_.Resolve(object_, 0, absl::MakeSpan(records),
                                   {/*may_count=*/true, /*not_swapped=*/true});
  ASSERT_TRUE(resolution.ok()) << resolution.status();
  EXPECT_EQ(records[0].state(), PageState::kHole);
  EXPECT_EQ(records[1].state(), PageState::kCached);
  EXPECT_EQ(records[2].state(), PageState::kHole);
  const bool mincore = GetParam() == PageCacheProbe::Method::kMincore;
  EXPECT_EQ(resolution->presumed, mincore);
  // What has to be looked at again is told by its source.
  EXPECT_EQ(records[1].source() == PageSource::kMincore, mincore);
  EXPECT_NE(records[0].source(), PageSource::kMincore);
}

TEST_P(PageCacheProbeTest, EveryPageOfARandomMix) {
  std::mt19937 random(7);
  std::vector<PageState> expected(kPages, PageState::kHole);
  for (uint64_t page = 0; page < kPages; ++page) {
    if (random() % 3 != 0) continue;
    Write(page);
    expected[page] = PageState::kCached;
  }
  EXPECT_EQ(Resolve(0, kPages), expected);
  // From the middle, too.
  EXPECT_EQ(Resolve(1234, 500),
            std::vector<PageState>(expected.begin() + 1234, expected.begin() + 1734));
}

TEST_P(PageCacheProbeTest, PunchedAndFallocatedPagesAreHoles) {
  for (uint64_t page = 0; page < 100; ++page) Write(page);
  ASSERT_EQ(fallocate(object_.fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10 << kPageShift,
                      5 << kPageShift),
            0);
  // In the page cache, but never written.
  ASSERT_EQ(fallocate(object_.fd(), 0, 100 << kPageShift, 50 << kPageShift), 0);
  Write(120);
  std::vector<PageState> expected(200, PageState::kHole);
  for (uint64_t page = 0; page < 100; ++page) {
    if (page < 10 || page >= 15) expected[page] = PageState::kCached;
  }
  expected[120] = PageState::kCached;
  EXPECT_EQ(Resolve(0, 200), expected);
}

TEST_P(PageCacheProbeTest, PastTheEndIsAHole) {
  Write(kPages - 1);
  std::vector<PageState> expected(100, PageState::kHole);
  expected[9] = PageState::kCached;
  EXPECT_EQ(Resolve(kPages - 10, 100), expected);
  EXPECT_EQ(Resolve(uint64_t{1} << 40, 2), std::vector<PageState>(2, PageState::kHole));
}

TEST_P(PageCacheProbeTest, AnIndexThatNoFileHasIsUnknown) {
  EXPECT_EQ(Resolve((uint64_t{1} << 51) - 1, 2), std::vector<PageState>(2, PageState::kUnknown));
  EXPECT_EQ(Resolve(UINT64_MAX, 2), std::vector<PageState>(2, PageState::kUnknown));
}

TEST_P(PageCacheProbeTest, LeavesSettledPagesAlone) {
  for (uint64_t page = 0; page < 40; ++page) Write(page);
  const PageRecord mapped(PageState::kMapped, PageSource::kPagemap, kFlagFile);
  const PageRecord copied(PageState::kMapped, PageSource::kPagemap);
  std::vector<PageRecord> records(64);
  for (size_t i = 0; i < 64; i += 2) records[i] = i < 40 ? mapped : copied;
  auto resolution = probe_.Resolve(object_, 0, absl::MakeSpan(records), {/*may_count=*/true});
  ASSERT_TRUE(resolution.ok());
  for (size_t i = 0; i < 64; ++i) {
    if (i % 2 == 0) {
      EXPECT_EQ(records[i], i < 40 ? mapped : copied) << i;
    } else {
      EXPECT_EQ(records[i].state(), i < 40 ? PageState::kCached : PageState::kHole) << i;
    }
  }
}

TEST_P(PageCacheProbeTest, CountingIsToldAndCanBeForbidden) {
  // Mapped pages and holes alternate.
  std::vector<PageRecord> records(512);
  for (size_t i = 0; i < 512; i += 2) {
    Write(i);
    records[i] = PageRecord(PageState::kMapped, PageSource::kPagemap, kFlagFile);
  }
  std::vector<PageRecord> again = records;
  auto counted = probe_.Resolve(object_, 0, absl::MakeSpan(records), {/*may_count=*/true});
  auto uncounted = probe_.Resolve(object_, 0, absl::MakeSpan(again), {});
  ASSERT_TRUE(counted.ok() && uncounted.ok());
  EXPECT_EQ(counted->counted, GetParam() == PageCacheProbe::Method::kCachestat);
  EXPECT_FALSE(uncounted->counted);
  for (size_t i = 1; i < 512; i += 2) {
    EXPECT_EQ(records[i].state(), PageState::kHole);
    EXPECT_EQ(again[i].state(), PageState::kHole);
  }
}

TEST_P(PageCacheProbeTest, ADiskFileIsCachedOrNot) {
  std::string path = ::testing::TempDir() + "/page_cache_probe_XXXXXX";
  UniqueFd fd(mkstemp(path.data()));
  ASSERT_TRUE(fd);
  unlink(path.c_str());
  // Page by page, so that the page cache has small folios, which can be dropped one by one.
  const std::string content(kPageSizeBytes, 'x');
  for (uint64_t page = 0; page < 64; ++page) {
    ASSERT_EQ(pwrite(fd.get(), content.data(), content.size(), page << kPageShift), content.size());
  }
  ASSERT_EQ(fsync(fd.get()), 0);
  ASSERT_EQ(posix_fadvise(fd.get(), 0, 32 << kPageShift, POSIX_FADV_DONTNEED), 0);
  // What the kernel says page by page.
  std::vector<PageState> expected;
  for (uint64_t page = 0; page < 64; ++page) {
    CacheStat stat;
    ASSERT_EQ(CacheStatOf(fd.get(), page << kPageShift, kPageSizeBytes, &stat), 0);
    expected.push_back(stat.cache ? PageState::kCached : PageState::kHole);
  }
  EXPECT_EQ(expected[0], PageState::kHole);
  EXPECT_EQ(expected[63], PageState::kCached);
  object_ = SharedObject(std::move(fd), SharedObject::Kind::kDisk);
  EXPECT_EQ(Resolve(0, 64), expected);
}

TEST_P(PageCacheProbeTest, HugetlbIsAHoleOrUnknown) {
  object_ = SharedObject(UniqueFd(memfd_create("page_cache_probe_test", MFD_CLOEXEC | MFD_HUGETLB)),
                         SharedObject::Kind::kHugetlb);
  ASSERT_GE(object_.fd(), 0);
  EXPECT_EQ(Resolve(0, 2), std::vector<PageState>(2, PageState::kHole));
}

TEST_P(PageCacheProbeTest, SkipsHoles) {
  Write(1000);
  EXPECT_EQ(probe_.SkipHoles(object_, 0, kPages), 1000);
  EXPECT_EQ(probe_.SkipHoles(object_, 1000, kPages), 1000);
  EXPECT_GE(probe_.SkipHoles(object_, 1001, kPages), kPages);
}

INSTANTIATE_TEST_SUITE_P(Methods, PageCacheProbeTest,
                         ::testing::Values(PageCacheProbe::Method::kCachestat,
                                           PageCacheProbe::Method::kMincore),
                         [](const auto& info) {
                           return info.param == PageCacheProbe::Method::kCachestat ? "Cachestat"
                                                                                   : "Mincore";
                         });

}  // namespace
}  // namespace pagemapd
