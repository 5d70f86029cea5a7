#include "daemon/reclaim/idle_filter.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "daemon/procfs/proc_root.h"
#include "daemon/procfs/scratch_root.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

// Over a bitmap and flags of real bytes.
class IdleFilterTest : public testing::Test {
 protected:
  IdleFilter Make(const std::vector<uint64_t>& idle, const std::vector<uint64_t>& flags = {}) {
    Write("bitmap", idle);
    Write("kpageflags", flags);
    auto opened = IdlePages::Open(scratch_.path() + "/bitmap");
    EXPECT_TRUE(opened.ok()) << opened.status();
    idle_.emplace(*std::move(opened));
    auto kpageflags = KPageFlags::Open(scratch_.root());
    EXPECT_TRUE(kpageflags.ok()) << kpageflags.status();
    kpageflags_.emplace(*std::move(kpageflags));
    return IdleFilter(&*idle_, &*kpageflags_);
  }

  static PageRecord At(uint64_t pfn, PageFlags flags = 0) {
    return PageRecord::Mapped(PageSource::kPagemap, flags, pfn);
  }

  uint64_t Word(uint64_t word) { return idle_->Read(word).value(); }

  void Write(const std::string& name, const std::vector<uint64_t>& words) {
    scratch_.Write(name, absl::string_view(reinterpret_cast<const char*>(words.data()),
                                           words.size() * sizeof(uint64_t)));
  }

  const ScratchRoot scratch_;
  std::optional<IdlePages> idle_;
  std::optional<KPageFlags> kpageflags_;
};

TEST_F(IdleFilterTest, FindsWhatIsInUseAndMarksIt) {
  IdleFilter filter = Make({0b1100, 0, 0b1});
  const std::vector<PageRecord> pages = {At(2), At(1), At(128), At(70), At(3), At(4)};
  ASSERT_EQ(filter.FindUsed(pages, {0, 1, 2, 3, 4}, /*leave_no_marks=*/false), absl::OkStatus());
  EXPECT_THAT(filter.used(), UnorderedElementsAre(1, 3));
  // The kernel adds these to those that are there.
  EXPECT_EQ(Word(0), 0b10u);
  EXPECT_EQ(Word(1), uint64_t{1} << 6);
  EXPECT_EQ(Word(2), 0b1u);
}

TEST_F(IdleFilterTest, LeavesNoMarksIfSoAsked) {
  IdleFilter filter = Make({0b100});
  const std::vector<PageRecord> pages = {At(1), At(2)};
  ASSERT_EQ(filter.FindUsed(pages, {0, 1}, /*leave_no_marks=*/true), absl::OkStatus());
  EXPECT_THAT(filter.used(), ElementsAre(0));
  EXPECT_EQ(Word(0), 0b100u);
}

TEST_F(IdleFilterTest, APageWithoutAFrameIsInUse) {
  IdleFilter filter = Make({~uint64_t{0}});
  const std::vector<PageRecord> pages = {At(5),
                                         PageRecord(PageState::kMapped, PageSource::kPagemap)};
  ASSERT_EQ(filter.FindUsed(pages, {0, 1}, /*leave_no_marks=*/false), absl::OkStatus());
  EXPECT_THAT(filter.used(), ElementsAre(1));
}

TEST_F(IdleFilterTest, AllOfALargeFolioGoByItsFirstFrame) {
  // Frames 4 to 7 are one folio, which is idle; 8 to 11 another, which is not.
  std::vector<uint64_t> flags(12, kKpfThp);
  for (const size_t frame : {4, 8}) {
    flags[frame] |= kKpfCompoundHead;
    for (size_t tail = frame + 1; tail < frame + 4; ++tail) flags[tail] |= kKpfCompoundTail;
  }
  IdleFilter filter = Make({1 << 4}, flags);
  const std::vector<PageRecord> pages = {At(4, kFlagThp), At(5, kFlagThp), At(7, kFlagThp),
                                         At(9, kFlagThp), At(11, kFlagThp)};
  ASSERT_EQ(filter.FindUsed(pages, {0, 1, 2, 3, 4}, /*leave_no_marks=*/false), absl::OkStatus());
  EXPECT_THAT(filter.used(), UnorderedElementsAre(3, 4));
  EXPECT_EQ(Word(0), uint64_t{1} << 8);
}

// The first look's mark is not taken for a second look.
TEST_F(IdleFilterTest, AFolioThatGoesOnInTheNextCallIsStillInUse) {
  std::vector<uint64_t> flags(8, kKpfThp);
  flags[4] |= kKpfCompoundHead;
  for (size_t tail = 5; tail < 8; ++tail) flags[tail] |= kKpfCompoundTail;
  IdleFilter filter = Make({0}, flags);
  const std::vector<PageRecord> pages = {At(4, kFlagThp), At(5, kFlagThp), At(6, kFlagThp),
                                         At(7, kFlagThp)};
  for (const uint32_t place : {0, 1, 2, 3}) {
    ASSERT_EQ(filter.FindUsed(pages, {place}, /*leave_no_marks=*/false), absl::OkStatus());
    EXPECT_THAT(filter.used(), ElementsAre(place));
    EXPECT_EQ(Word(0), uint64_t{1} << 4);
  }
  // Another request's.
  IdleFilter next(&*idle_, &*kpageflags_);
  ASSERT_EQ(next.FindUsed(pages, {1}, /*leave_no_marks=*/false), absl::OkStatus());
  EXPECT_THAT(next.used(), ElementsAre());
}

}  // namespace
}  // namespace pagemapd
