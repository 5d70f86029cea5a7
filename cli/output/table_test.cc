#include "cli/output/table.h"

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

std::string Text(const Table& table, bool with_heading) {
  OutputStream out(-1);
  table.Write(with_heading, out);
  return fmt::to_string(out.text());
}

TEST(TableTest, AlignsColumns) {
  Table table({{"NAME"}, {"PAGES", Table::Align::kRight}, {"PATH"}});
  table.AddRow({"größe", "12", "/a"});
  table.AddRow({"b", "1234567", ""});
  EXPECT_EQ(Text(table, true),
            "NAME     PAGES  PATH\n"
            "größe       12  /a\n"
            "b      1234567\n");
}

TEST(TableTest, WithoutHeadingItsWidthDoesNotCount) {
  Table table({{"HEADING"}, {"N", Table::Align::kRight}});
  table.AddRow({"a", "1"});
  EXPECT_EQ(Text(table, false), "a  1\n");
}

}  // namespace
}  // namespace pagemapd
