#include "cli/page_names.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using testing::ElementsAre;

TEST(PageNamesTest, SpellsEnumsInLowerCase) {
  EXPECT_EQ(StateName(v1::PAGE_STATE_HOLE), "hole");
  EXPECT_EQ(StateName(v1::PAGE_STATE_UNKNOWN), "unknown");
  EXPECT_EQ(StateName(v1::PAGE_STATE_UNSPECIFIED), "");
  EXPECT_EQ(SourceName(v1::PAGE_SOURCE_CACHESTAT), "cachestat");
  EXPECT_EQ(SourceName(v1::PAGE_SOURCE_MARKER), "marker");
  EXPECT_EQ(SourceName(v1::PAGE_SOURCE_BPF), "bpf");
  EXPECT_EQ(KindName(v1::MAPPING_KIND_SHMEM), "shmem");
  EXPECT_EQ(OutcomeName(v1::PAGE_OUT_OUTCOME_IN_SWAP_CACHE), "in_swap_cache");
  EXPECT_EQ(OutcomeName(v1::PAGE_OUT_OUTCOME_UNKNOWN), "unknown");
}

TEST(PageNamesTest, GivesTheNumberOfWhatANewerDaemonSays) {
  EXPECT_EQ(StateName(static_cast<v1::PageState>(7)), "7");
  EXPECT_EQ(StateName(static_cast<v1::PageState>(-1)), "?");
  EXPECT_EQ(StateName(static_cast<v1::PageState>(1000)), "?");
}

TEST(PageNamesTest, NamesFlagsInOrder) {
  EXPECT_THAT(FlagNames(0), ElementsAre());
  EXPECT_THAT(FlagNames(1u << v1::PAGE_FLAG_EXCLUSIVE | 1u << v1::PAGE_FLAG_FILE),
              ElementsAre("file", "exclusive"));
  EXPECT_THAT(FlagNames(1u << v1::PAGE_FLAG_SOFT_DIRTY | 1u << v1::PAGE_FLAG_DEVICE_PRIVATE),
              ElementsAre("soft_dirty", "device_private"));
  EXPECT_THAT(FlagNames(1u << v1::PAGE_FLAG_SWAP_CACHE), ElementsAre("swap_cache"));
}

TEST(PageNamesTest, ReadsStatesBack) {
  v1::PageState state;
  for (const char* name : {"hole", "mapped", "cached", "swapped", "special", "unknown"}) {
    ASSERT_TRUE(ParseState(name, &state)) << name;
    EXPECT_EQ(StateName(state), name);
  }
  for (const char* name : {"", "Hole", "unspecified", "PAGE_STATE_HOLE", "swap", "1"}) {
    EXPECT_FALSE(ParseState(name, &state)) << name;
  }
}

}  // namespace
}  // namespace pagemapd
