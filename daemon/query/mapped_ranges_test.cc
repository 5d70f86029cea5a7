#include "daemon/query/mapped_ranges.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "daemon/page/page_size.h"
#include "daemon/procfs/proc_root.h"

namespace pagemapd {
namespace {

// Mappings of this process: one of `kPages` pages, a gap, and another.
class MappedRangesTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kPages = 8;

  void SetUp() override {
    void* area =
        mmap(nullptr, 3 * kPages * kPageSizeBytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(area, MAP_FAILED);
    base_ = reinterpret_cast<uint64_t>(area);
    // A protection of their own keeps the kernel from merging them with what lies beside.
    ASSERT_EQ(mprotect(area, 3 * kPages * kPageSizeBytes, PROT_NONE), 0);
    ASSERT_EQ(munmap(static_cast<char*>(area) + kPages * kPageSizeBytes, kPages * kPageSizeBytes),
              0);
  }
  void TearDown() override { munmap(reinterpret_cast<void*>(base_), 3 * kPages * kPageSizeBytes); }

  PageRange Pages(uint64_t first, uint64_t end) const {
    return {base_ + first * kPageSizeBytes, base_ + end * kPageSizeBytes};
  }

  std::vector<PageRange> Cuts(std::vector<PageRange> ranges, size_t* fingerprint = nullptr) {
    ranges = Normalize(std::move(ranges));
    auto process = Process::Open(ProcRoot(), getpid(), 0);
    auto mapped = MappedRanges::Open(*process, ranges);
    EXPECT_TRUE(mapped.ok()) << mapped.status();
    std::vector<PageRange> cuts;
    Vma vma;
    PageRange cut;
    while (true) {
      auto more = mapped->Next(&vma, &cut);
      EXPECT_TRUE(more.ok()) << more.status();
      if (!more.ok() || !*more) break;
      EXPECT_TRUE(vma.range.start <= cut.start && cut.end <= vma.range.end);
      cuts.push_back(cut);
    }
    if (fingerprint != nullptr) *fingerprint = mapped->fingerprint();
    return cuts;
  }

  uint64_t base_ = 0;
};

TEST_F(MappedRangesTest, CutsMappingsToRanges) {
  EXPECT_EQ(Cuts({Pages(0, 24)}), (std::vector<PageRange>{Pages(0, 8), Pages(16, 24)}));
  EXPECT_EQ(Cuts({Pages(2, 3), Pages(5, 18)}),
            (std::vector<PageRange>{Pages(2, 3), Pages(5, 8), Pages(16, 18)}));
  EXPECT_EQ(Cuts({Pages(8, 16)}), std::vector<PageRange>());
  EXPECT_EQ(Cuts({Pages(6, 8), Pages(9, 10), Pages(23, 24)}),
            (std::vector<PageRange>{Pages(6, 8), Pages(23, 24)}));
  EXPECT_EQ(Cuts({Pages(0, 8)}), std::vector<PageRange>{Pages(0, 8)});
}

TEST_F(MappedRangesTest, NoRangesMeansEverything) {
  const std::vector<PageRange> cuts = Cuts({});
  EXPECT_NE(std::find(cuts.begin(), cuts.end(), Pages(16, 24)), cuts.end());
  EXPECT_GT(cuts.size(), 10);
}

TEST_F(MappedRangesTest, FingerprintTellsAChange) {
  size_t before, same, after;
  Cuts({Pages(0, 24)}, &before);
  Cuts({Pages(0, 24)}, &same);
  EXPECT_EQ(before, same);
  ASSERT_EQ(mprotect(reinterpret_cast<void*>(base_), kPageSizeBytes, PROT_READ), 0);
  Cuts({Pages(0, 24)}, &after);
  EXPECT_NE(before, after);
}

}  // namespace
}  // namespace pagemapd
