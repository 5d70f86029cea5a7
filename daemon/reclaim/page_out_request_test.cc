#include "daemon/reclaim/page_out_request.h"

#include <string>
#include <utility>

#include "daemon/page/page_size.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

constexpr uint64_t At(uint64_t page) { return 0x7000000 + (page << kPageShift); }

PageOutRange Any(uint64_t first, uint64_t end) { return {{At(first), At(end)}, std::nullopt}; }

PageOutRange Of(uint64_t first, uint64_t end, uint64_t inode, uint64_t index) {
  return {{At(first), At(end)}, ExpectedMapping{{0, 1}, inode, index}};
}

std::string Text(std::vector<PageOutRange> ranges) {
  std::string text;
  for (const PageOutRange& range : Normalize(std::move(ranges))) {
    text += std::to_string((range.range.start - At(0)) >> kPageShift) + "-" +
            std::to_string((range.range.end - At(0)) >> kPageShift);
    if (range.expected.has_value()) {
      text += ":" + std::to_string(range.expected->inode) + "@" +
              std::to_string(range.expected->object_index);
    }
    text += " ";
  }
  return text;
}

TEST(PageOutRequestTest, SortsAndJoins) {
  EXPECT_EQ(Text({}), "");
  EXPECT_EQ(Text({Any(8, 9), Any(0, 4), Any(3, 6), Any(6, 7), Any(1, 2)}), "0-7 8-9 ");
}

TEST(PageOutRequestTest, JoinsWhatExpectsTheSame) {
  EXPECT_EQ(Text({Of(4, 8, 7, 104), Of(0, 4, 7, 100)}), "0-8:7@100 ");
  EXPECT_EQ(Text({Of(0, 4, 7, 100), Of(4, 8, 7, 100)}), "0-4:7@100 4-8:7@100 ");
  EXPECT_EQ(Text({Of(0, 4, 7, 100), Of(4, 8, 8, 104)}), "0-4:7@100 4-8:8@104 ");
  EXPECT_EQ(Text({Of(0, 4, 7, 100), Any(4, 8)}), "0-4:7@100 4-8 ");
  // Private memory has no index.
  const PageOutRange first = {{At(0), At(4)}, ExpectedMapping()};
  const PageOutRange second = {{At(4), At(8)}, ExpectedMapping()};
  EXPECT_EQ(Text({first, second}), "0-8:0@0 ");
}

TEST(PageOutRequestTest, TheRangeThatStartsFirstHasThePage) {
  EXPECT_EQ(Text({Of(2, 8, 9, 50), Of(0, 4, 7, 100)}), "0-4:7@100 4-8:9@52 ");
  EXPECT_EQ(Text({Any(0, 8), Of(2, 4, 7, 100)}), "0-8 ");
  EXPECT_EQ(Text({Of(0, 4, 7, 100), Of(0, 8, 7, 100)}), "0-8:7@100 ");
}

}  // namespace
}  // namespace pagemapd
