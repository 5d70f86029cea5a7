#include "daemon/sys/pagemap_scan.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <tuple>
#include <vector>

#include "daemon/page/page_size.h"
#include "daemon/sys/forked_child.h"
#include "daemon/sys/unique_fd.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {

bool operator==(const PageRegion& a, const PageRegion& b) {
  return std::tie(a.start, a.end, a.categories) == std::tie(b.start, b.end, b.categories);
}

void PrintTo(const PageRegion& region, std::ostream* os) {
  *os << std::hex << region.start << "-" << region.end << " categories " << region.categories;
}

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

UniqueFd OpenPagemap(const std::string& pid) {
  return UniqueFd(open(("/proc/" + pid + "/pagemap").c_str(), O_RDONLY | O_CLOEXEC));
}

// An unmapped-on-exit mapping without huge pages, so that one touch makes one page.
class Mapping {
 public:
  explicit Mapping(uint64_t pages, int flags = MAP_PRIVATE | MAP_ANONYMOUS, int fd = -1)
      : bytes_(pages * kPageSizeBytes),
        at_(static_cast<char*>(
            mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, flags | MAP_NORESERVE, fd, 0))) {
    EXPECT_NE(at_, MAP_FAILED);
    madvise(at_, bytes_, MADV_NOHUGEPAGE);
  }
  ~Mapping() { munmap(at_, bytes_); }

  volatile char* page(uint64_t index) const { return at_ + index * kPageSizeBytes; }
  void Write(uint64_t index) const { *page(index) = 1; }
  PageRange range() const {
    const auto start = reinterpret_cast<uintptr_t>(at_);
    return {start, start + bytes_};
  }
  PageRegion Region(uint64_t first, uint64_t pages, uint64_t categories) const {
    const uint64_t start = range().start + first * kPageSizeBytes;
    return {start, start + pages * kPageSizeBytes, categories};
  }

 private:
  uint64_t bytes_;
  char* at_;
};

class PagemapScanTest : public ::testing::Test {
 protected:
  // What a scan for present or swapped pages reports, at most `regions` of it.
  std::vector<PageRegion> Scan(PageRange range, size_t regions, uint64_t max_pages = 0) {
    std::vector<PageRegion> found(regions);
    last_ = PagemapScan(pagemap_.get(), range, kPageIsPresent | kPageIsSwapped,
                        kPageIsPresent | kPageIsSwapped | kPageIsFile | kPageIsPfnZero, max_pages,
                        absl::MakeSpan(found));
    EXPECT_EQ(last_.error, 0);
    found.resize(last_.regions);
    return found;
  }

  UniqueFd pagemap_ = OpenPagemap("self");
  PagemapScanResult last_;
};

TEST_F(PagemapScanTest, ReportsTouchedPagesAndNoHoles) {
  const Mapping mapping(64);
  for (const uint64_t page : {0, 1, 2, 40, 63}) mapping.Write(page);
  EXPECT_THAT(Scan(mapping.range(), 16), ElementsAre(mapping.Region(0, 3, kPageIsPresent),
                                                     mapping.Region(40, 1, kPageIsPresent),
                                                     mapping.Region(63, 1, kPageIsPresent)));
  EXPECT_EQ(last_.walk_end, mapping.range().end);
}

TEST_F(PagemapScanTest, ReportsNothingOfAnUntouchedMapping) {
  const Mapping mapping(64);
  EXPECT_THAT(Scan(mapping.range(), 16), IsEmpty());
  EXPECT_EQ(last_.walk_end, mapping.range().end);
}

TEST_F(PagemapScanTest, TellsFilePagesAndTheZeroPage) {
  const UniqueFd memfd(memfd_create("pagemap_scan_test", MFD_CLOEXEC));
  ASSERT_EQ(ftruncate(memfd.get(), 4 * kPageSizeBytes), 0);
  const Mapping file(4, MAP_SHARED, memfd.get());
  file.Write(2);
  EXPECT_THAT(Scan(file.range(), 4), ElementsAre(file.Region(2, 1, kPageIsPresent | kPageIsFile)));

  const Mapping zero(4);
  EXPECT_EQ(*zero.page(1), 0);
  EXPECT_THAT(Scan(zero.range(), 4),
              ElementsAre(zero.Region(1, 1, kPageIsPresent | kPageIsPfnZero)));
}

TEST_F(PagemapScanTest, GoesOnWhereAFullBufferEndedIt) {
  const Mapping mapping(64);
  std::vector<PageRegion> all;
  for (uint64_t page = 0; page < 64; page += 2) {
    mapping.Write(page);
    all.push_back(mapping.Region(page, 1, kPageIsPresent));
  }
  std::vector<PageRegion> found;
  PageRange rest = mapping.range();
  int calls = 0;
  while (!rest.Empty()) {
    const auto part = Scan(rest, 5);
    found.insert(found.end(), part.begin(), part.end());
    ASSERT_GT(last_.walk_end, rest.start);
    ASSERT_LE(last_.walk_end, rest.end);
    rest.start = last_.walk_end;
    ++calls;
  }
  EXPECT_EQ(found, all);
  EXPECT_GE(calls, 7);
}

TEST_F(PagemapScanTest, StopsAtMaxPages) {
  const Mapping mapping(64);
  for (uint64_t page = 10; page < 30; ++page) mapping.Write(page);
  EXPECT_THAT(Scan(mapping.range(), 16, 7), ElementsAre(mapping.Region(10, 7, kPageIsPresent)));
  EXPECT_EQ(last_.walk_end, mapping.Region(10, 7, 0).end);
}

TEST_F(PagemapScanTest, CrossesUnmappedAndHugeSparseSpace) {
  // 64 GiB: ThreadSanitizer leaves little more.
  const uint64_t pages = (uint64_t{1} << 36) / kPageSizeBytes;
  const Mapping mapping(pages);
  mapping.Write(pages - 1);
  EXPECT_THAT(Scan(mapping.range(), 16), ElementsAre(mapping.Region(pages - 1, 1, kPageIsPresent)));
}

TEST_F(PagemapScanTest, ReturnsTheErrno) {
  PageRegion region;
  const PageRange range = {0x1000, 0x2000};
  const UniqueFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(PagemapScan(null.get(), range, kPageIsPresent, 0, 0, absl::MakeSpan(&region, 1)).error,
            ENOTTY);
  const auto unaligned = PagemapScan(pagemap_.get(), {0x1001, 0x2000}, kPageIsPresent, 0, 0,
                                     absl::MakeSpan(&region, 1));
  EXPECT_EQ(unaligned.error, EINVAL);
  EXPECT_EQ(unaligned.regions, 0u);
}

TEST_F(PagemapScanTest, FindsNothingInAnAddressSpaceThatIsGone) {
  const Mapping mapping(4);
  mapping.Write(0);
  ForkedChild child(PauseForever);
  pagemap_ = OpenPagemap(std::to_string(child.pid()));
  ASSERT_TRUE(pagemap_);
  EXPECT_THAT(Scan(mapping.range(), 4), ElementsAre(mapping.Region(0, 1, kPageIsPresent)));
  kill(child.pid(), SIGKILL);
  child.Reap();
  EXPECT_THAT(Scan(mapping.range(), 4), IsEmpty());
}

}  // namespace
}  // namespace pagemapd
