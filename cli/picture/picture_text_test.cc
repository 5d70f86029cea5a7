#include "cli/picture/picture_text.h"

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

const std::vector<PageStateCounts> kCells = {
    {0, 4, 0, 0, 0, 0}, {0, 4, 0, 0, 0, 0}, {1, 3, 0, 0, 0, 0}, {0, 0, 4, 0, 0, 0},
    {0, 0, 0, 4, 0, 0}, {0, 0, 0, 0, 0, 0}, {4, 0, 0, 0, 0, 0},
};

TEST(CellRowTest, DrawsInAsciiAndUtf8) {
  Terminal terminal;
  EXPECT_EQ(CellRow(kCells, 0, 100, terminal), "MMmCS .");
  terminal.utf8 = true;
  EXPECT_EQ(CellRow(kCells, 0, 100, terminal), "██▓▀▄ ·");
  EXPECT_EQ(CellRow(kCells, 2, 3, terminal), "▓▀▄");
  EXPECT_EQ(CellRow(kCells, 7, 3, terminal), "");
}

TEST(CellRowTest, ChangesColourOnlyWhereItChanges) {
  Terminal terminal;
  terminal.color = true;
  EXPECT_EQ(CellRow(kCells, 0, 4, terminal), "\x1b[32mMMm\x1b[36mC\x1b[0m");
  EXPECT_EQ(CellRow(kCells, 4, 3, terminal), "\x1b[33mS\x1b[0m \x1b[90m.\x1b[0m");
}

TEST(LegendTextTest, ListsTheStatesThatOccur) {
  EXPECT_EQ(LegendText({3, 1, 0, 0, 0, 0}, 4096, Terminal()),
            "all most  state         pages   size       %\n"
            " .   :   hole              3    12K   75.00  no page exists\n"
            " M   m   mapped            1     4K   25.00  in this process's page table\n");
}

}  // namespace
}  // namespace pagemapd
