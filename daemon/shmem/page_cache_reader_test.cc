#include "daemon/shmem/page_cache_reader.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <vector>

#include "daemon/page/page_size.h"
#include "daemon/procfs/proc_root.h"
#include "daemon/shmem/page_cache_probe.h"

namespace pagemapd {
namespace {

constexpr PageRecord kHole(PageState::kHole, PageSource::kBpf);
constexpr PageRecord kCached(PageState::kCached, PageSource::kBpf, kFlagFile);

// On the live kernel. Pages in swap and large folios are for tests/integration, where a swap device
// and a tmpfs of huge pages are.
class PageCacheReaderTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kPages = 20000;

  PageCacheReaderTest()
      : object_(UniqueFd(memfd_create("page_cache_reader_test", MFD_CLOEXEC)),
                SharedObject::Kind::kTmpfs) {
    auto walker = PageCacheWalker::Load(1);
    EXPECT_TRUE(walker.ok()) << walker.status();
    walker_ = *std::move(walker);
    reader_.emplace(*walker_, 0, SpecialSwapTypes());
    EXPECT_EQ(ftruncate(object_.fd(), kPages << kPageShift), 0);
  }

  void Write(uint64_t page) {
    EXPECT_EQ(pwrite(object_.fd(), "x", 1, static_cast<off_t>(page << kPageShift)), 1);
  }
  void Punch(uint64_t page, uint64_t pages) {
    EXPECT_EQ(
        fallocate(object_.fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                  static_cast<off_t>(page << kPageShift), static_cast<off_t>(pages << kPageShift)),
        0);
  }
  std::vector<PageRecord> Resolve(uint64_t first, std::vector<PageRecord> records) {
    absl::Status status = reader_->Resolve(object_, first, absl::MakeSpan(records));
    EXPECT_TRUE(status.ok()) << status;
    return records;
  }
  std::vector<PageRecord> Read(uint64_t first, uint64_t pages) {
    // Whatever was there before is of no account.
    std::vector<PageRecord> records(pages, PageRecord(PageState::kMapped, PageSource::kPagemap));
    absl::Status status = reader_->Read(object_, first, absl::MakeSpan(records));
    EXPECT_TRUE(status.ok()) << status;
    return records;
  }
  // Written, punched, fallocated and untouched pages, in runs of any length.
  void MakeMix(uint64_t seed) {
    std::mt19937_64 random(seed);
    for (uint64_t page = 0; page < kPages;) {
      const uint64_t pages = std::min(1 + random() % (1 << random() % 10), kPages - page);
      switch (random() % 4) {
        case 0:
          for (uint64_t i = 0; i < pages; ++i) Write(page + i);
          break;
        case 1:
          for (uint64_t i = 0; i < pages; ++i) Write(page + i);
          Punch(page, pages / 2 + 1);
          break;
        case 2:
          EXPECT_EQ(fallocate(object_.fd(), 0, static_cast<off_t>(page << kPageShift),
                              static_cast<off_t>(pages << kPageShift)),
                    0);
          if (random() % 2) Write(page + pages / 2);
          break;
        default:
          break;
      }
      page += pages;
    }
  }

  SharedObject object_;
  std::unique_ptr<PageCacheWalker> walker_;
  std::optional<PageCacheReader> reader_;
};

TEST_F(PageCacheReaderTest, AgreesWithTheProbeOnEveryPage) {
  const PageCacheProbe probe(PageCacheProbe::Method::kCachestat, ProcRoot());
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    MakeMix(seed);
    std::vector<PageRecord> expected(kPages);
    auto resolution = probe.Resolve(object_, 0, absl::MakeSpan(expected), {});
    ASSERT_TRUE(resolution.ok()) << resolution.status();
    const std::vector<PageRecord> resolved = Resolve(0, std::vector<PageRecord>(kPages));
    const std::vector<PageRecord> read = Read(0, kPages);
    for (uint64_t page = 0; page < kPages; ++page) {
      ASSERT_EQ(resolved[page].state(), expected[page].state()) << "page " << page;
      ASSERT_EQ(resolved[page].bits(), read[page].bits()) << "page " << page;
      ASSERT_EQ(resolved[page].source(), PageSource::kBpf);
    }
  }
}

TEST_F(PageCacheReaderTest, FromAnyPageToAnyOther) {
  MakeMix(6);
  const std::vector<PageRecord> all = Read(0, kPages);
  std::mt19937_64 random(6);
  for (int i = 0; i < 300; ++i) {
    const uint64_t first = random() % kPages;
    const uint64_t pages = 1 + random() % (random() % 2 ? 200 : kPages - first);
    std::vector<PageRecord> expected(pages, kHole);
    std::copy(all.begin() + first, all.begin() + std::min(first + pages, kPages), expected.begin());
    ASSERT_EQ(Read(first, pages), expected) << first << " " << pages;
    ASSERT_EQ(Resolve(first, std::vector<PageRecord>(pages)), expected) << first << " " << pages;
  }
}

TEST_F(PageCacheReaderTest, LeavesSettledPagesAlone) {
  for (uint64_t page = 0; page < 300; page += 3) Write(page);
  const PageRecord mapped(PageState::kMapped, PageSource::kPagemap, kFlagFile);
  // What pagemap knew of a page that it left open stays.
  const PageRecord open(PageState::kUnsettled, PageSource::kNone, kFlagSoftDirty);
  std::vector<PageRecord> records(300);
  for (uint64_t page = 0; page < 300; ++page) {
    if (page % 2 == 0) records[page] = mapped;
    if (page % 5 == 1 && page % 2 == 1) records[page] = open;
  }
  const std::vector<PageRecord> resolved = Resolve(0, records);
  for (uint64_t page = 0; page < 300; ++page) {
    if (page % 2 == 0) {
      EXPECT_EQ(resolved[page], mapped) << page;
      continue;
    }
    const PageRecord found = page % 3 == 0 ? kCached : kHole;
    EXPECT_EQ(resolved[page].state(), found.state()) << page;
    EXPECT_EQ(resolved[page].flags() & kFlagSoftDirty, records[page].flags()) << page;
  }
  EXPECT_EQ(Resolve(0, std::vector<PageRecord>(64, mapped)), std::vector<PageRecord>(64, mapped));
}

TEST_F(PageCacheReaderTest, AnIndexThatNoFileHasIsUnknown) {
  const std::vector<PageRecord> unknown(2, PageRecord(PageState::kUnknown, PageSource::kBpf));
  for (uint64_t first : {(uint64_t{1} << 51) - 1, UINT64_MAX - 1, UINT64_MAX}) {
    EXPECT_EQ(Read(first, 2), unknown) << first;
    EXPECT_EQ(Resolve(first, std::vector<PageRecord>(2)), unknown) << first;
  }
  EXPECT_EQ(Read((uint64_t{1} << 51) - 2, 2), std::vector<PageRecord>(2, kHole));
}

TEST_F(PageCacheReaderTest, SkipsHoles) {
  Write(10000);
  const auto skip = [&](uint64_t index, uint64_t limit) {
    return reader_->SkipHoles(object_, index, limit).value_or(UINT64_MAX);
  };
  // To the leaf that the page is in.
  EXPECT_EQ(skip(0, kPages), 10000 / 64 * 64);
  EXPECT_EQ(skip(10000, kPages), 10000);
  EXPECT_EQ(skip(10100, kPages), kPages);
  EXPECT_EQ(skip(5, 9000), 9000);
  EXPECT_EQ(skip(9, 9), 9);
  EXPECT_EQ(skip(10100, UINT64_MAX), uint64_t{1} << 51);
}

TEST_F(PageCacheReaderTest, CountsSinglePagesAsOrderZero) {
  for (uint64_t page = 0; page < 200; page += 2) Write(page);
  std::vector<PageRecord> records = Read(0, 256);
  // A private copy is in no object.
  records[0] = PageRecord(PageState::kMapped, PageSource::kPagemap);
  records[2] = PageRecord(PageState::kMapped, PageSource::kPagemap, kFlagFile);
  FolioCounts counts;
  ASSERT_TRUE(reader_->CountFolios(object_, 0, records, &counts).ok());
  uint64_t resident = 0;
  for (uint64_t pages : counts.resident) resident += pages;
  EXPECT_EQ(resident, 99);
  EXPECT_EQ(counts.swapped[0], 0);
}

TEST_F(PageCacheReaderTest, RefusesADiskFile) {
  std::string path = ::testing::TempDir() + "/page_cache_reader_XXXXXX";
  object_ = SharedObject(UniqueFd(mkstemp(path.data())), SharedObject::Kind::kTmpfs);
  unlink(path.c_str());
  std::vector<PageRecord> records(4);
  EXPECT_FALSE(reader_->Resolve(object_, 0, absl::MakeSpan(records)).ok());
  EXPECT_EQ(records, std::vector<PageRecord>(4));
}

}  // namespace
}  // namespace pagemapd
