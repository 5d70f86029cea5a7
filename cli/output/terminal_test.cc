#include "cli/output/terminal.h"

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

TEST(TerminalTest, WidthComesFromColumnsThenTheWindow) {
  TerminalEnvironment environment;
  EXPECT_EQ(DescribeTerminal(environment).width, 80);
  environment.window_columns = 120;
  EXPECT_EQ(DescribeTerminal(environment).width, 120);
  environment.columns = "200";
  EXPECT_EQ(DescribeTerminal(environment).width, 200);
  environment.columns = "wide";
  EXPECT_EQ(DescribeTerminal(environment).width, 120);
  environment.columns = "-3";
  EXPECT_EQ(DescribeTerminal(environment).width, 120);
  environment.columns = "7";
  EXPECT_EQ(DescribeTerminal(environment).width, 40);
}

TEST(TerminalTest, ColourNeedsATerminalThatHasItAndAUserWhoWantsIt) {
  TerminalEnvironment environment;
  environment.term = "xterm";
  EXPECT_FALSE(DescribeTerminal(environment).color);
  environment.is_terminal = true;
  EXPECT_TRUE(DescribeTerminal(environment).color);
  environment.no_color = "";
  EXPECT_TRUE(DescribeTerminal(environment).color);
  environment.no_color = "1";
  EXPECT_FALSE(DescribeTerminal(environment).color);
  environment.no_color = nullptr;
  environment.term = "dumb";
  EXPECT_FALSE(DescribeTerminal(environment).color);
  environment.term = nullptr;
  EXPECT_FALSE(DescribeTerminal(environment).color);
}

TEST(TerminalTest, Utf8IsReadFromTheFirstLocaleVariableSet) {
  TerminalEnvironment environment;
  EXPECT_FALSE(DescribeTerminal(environment).utf8);
  environment.lang = "de_DE.UTF-8@euro";
  EXPECT_TRUE(DescribeTerminal(environment).utf8);
  environment.lc_ctype = "C";
  EXPECT_FALSE(DescribeTerminal(environment).utf8);
  environment.lc_all = "";
  EXPECT_FALSE(DescribeTerminal(environment).utf8);
  environment.lc_all = "C.utf8";
  EXPECT_TRUE(DescribeTerminal(environment).utf8);
  environment.lc_all = "en_US.ISO-8859-1";
  EXPECT_FALSE(DescribeTerminal(environment).utf8);
}

}  // namespace
}  // namespace pagemapd
