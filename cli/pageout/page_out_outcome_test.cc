#include "cli/pageout/page_out_outcome.h"

#include <set>

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

TEST(PageOutOutcomeTest, EachHasWordsOfItsOwn) {
  std::set<absl::string_view> texts = {OutcomeText(v1::PAGE_OUT_OUTCOME_UNSPECIFIED)};
  for (int value = v1::PageOutOutcome_MIN + 1; value <= v1::PageOutOutcome_MAX; ++value) {
    EXPECT_TRUE(texts.insert(OutcomeText(static_cast<v1::PageOutOutcome>(value))).second) << value;
  }
  EXPECT_EQ(OutcomeText(static_cast<v1::PageOutOutcome>(1000)),
            OutcomeText(v1::PAGE_OUT_OUTCOME_UNSPECIFIED));
}

// It may be the caller's own, where the daemon has no CAP_SETUID to act in the caller's name.
TEST(PageOutOutcomeTest, AFileNotOwnedIsNotSaidToBeAnotherUsers) {
  EXPECT_EQ(OutcomeText(v1::PAGE_OUT_OUTCOME_FILE_NOT_OWNED),
            "kept in RAM: of a file that the daemon may not page out for this caller");
}

TEST(PageOutOutcomeTest, WhatIsDoneIsFine) {
  EXPECT_TRUE(IsDone(v1::PAGE_OUT_OUTCOME_PAGED_OUT));
  EXPECT_TRUE(IsDone(v1::PAGE_OUT_OUTCOME_IN_SWAP_CACHE));
  EXPECT_TRUE(IsDone(v1::PAGE_OUT_OUTCOME_ALREADY_SWAPPED));
  EXPECT_TRUE(IsDone(v1::PAGE_OUT_OUTCOME_WOULD_PAGE_OUT));
  for (int value = v1::PageOutOutcome_MIN; value <= v1::PageOutOutcome_MAX; ++value) {
    const auto outcome = static_cast<v1::PageOutOutcome>(value);
    const bool nothing_to_do =
        outcome == v1::PAGE_OUT_OUTCOME_HOLE || outcome == v1::PAGE_OUT_OUTCOME_IN_USE;
    EXPECT_EQ(IsFine(outcome), IsDone(outcome) || nothing_to_do) << value;
  }
  EXPECT_FALSE(IsFine(v1::PAGE_OUT_OUTCOME_KEPT));
  EXPECT_FALSE(IsFine(v1::PAGE_OUT_OUTCOME_NO_MAPPING));
  EXPECT_FALSE(IsFine(static_cast<v1::PageOutOutcome>(1000)));
}

}  // namespace
}  // namespace pagemapd
