#include "cli/metrics/label_text.h"

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

TEST(LabelTextTest, EscapesAsTheFormatWants) {
  EXPECT_EQ(LabelText(""), "");
  EXPECT_EQ(LabelText("qemu-system-x86"), "qemu-system-x86");
  EXPECT_EQ(LabelText("a\"b\\c\nd\n"), "a\\\"b\\\\c\\nd\\n");
  EXPECT_EQ(LabelText("{}=,#é日"), "{}=,#é日");
}

TEST(LabelTextTest, WhatPrometheusOrATerminalCannotTakeBecomesText) {
  EXPECT_EQ(LabelText("\xff\xc3"), "\\\\xff\\\\xc3");
  EXPECT_EQ(LabelText(absl::string_view("\0\x1b[2J\r", 6)), "\\\\x00\\\\x1b[2J\\\\x0d");
  EXPECT_EQ(LabelText("\xe2\x80\xae"), "\\\\xe2\\\\x80\\\\xae");
}

TEST(LabelTextTest, IsBounded) {
  EXPECT_EQ(LabelText(std::string(kMaxLabelBytes, 'x')), std::string(kMaxLabelBytes, 'x'));
  EXPECT_EQ(LabelText(std::string(kMaxLabelBytes + 1, 'x')),
            std::string(kMaxLabelBytes, 'x') + "…");
  // Cut within a character.
  EXPECT_EQ(LabelText(std::string(kMaxLabelBytes - 1, 'x') + "é"),
            std::string(kMaxLabelBytes - 1, 'x') + "\\\\xc3…");
}

}  // namespace
}  // namespace pagemapd
