#include "cli/page_counts.h"

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

v1::PageCounts Counts() {
  v1::PageCounts counts;
  counts.set_hole(1);
  counts.set_mapped(20);
  counts.set_cached(300);
  counts.set_swapped(4000);
  counts.set_special(50000);
  counts.set_unknown(600000);
  counts.set_unresolved(7);
  return counts;
}

TEST(PageCounts, EveryStateIsAddedAndWritten) {
  v1::PageCounts counts = Counts();
  EXPECT_EQ(SumOf(counts), 654321u);
  AddCounts(Counts(), &counts);
  EXPECT_EQ(SumOf(counts), 2 * 654321u);
  EXPECT_EQ(counts.unresolved(), 14u);
  nlohmann::ordered_json json;
  PutCounts(Counts(), &json);
  EXPECT_EQ(json.dump(),
            "{\"hole\":1,\"mapped\":20,\"cached\":300,\"swapped\":4000,\"special\":50000,"
            "\"unknown\":600000}");
  const std::vector<std::string> texts = {"1", "20", "300", "4000", "50000", "600000"};
  EXPECT_EQ(CountTexts(Counts()), texts);
}

}  // namespace
}  // namespace pagemapd
