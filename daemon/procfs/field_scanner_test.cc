#include "daemon/procfs/field_scanner.h"

#include <cstdint>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using ::testing::HasSubstr;

TEST(FieldScannerTest, TakesFieldsFromTheLeft) {
  FieldScanner fields("7f00-ff 12\t \tword rest of it");
  uint64_t number = 0;
  absl::string_view word;
  EXPECT_TRUE(fields.Hex(&number));
  EXPECT_EQ(number, 0x7f00u);
  EXPECT_FALSE(fields.Literal(' '));
  EXPECT_TRUE(fields.Literal('-'));
  EXPECT_TRUE(fields.Hex(&number));
  EXPECT_EQ(number, 0xffu);
  EXPECT_TRUE(fields.Literal(' '));
  EXPECT_TRUE(fields.Decimal(&number));
  EXPECT_EQ(number, 12u);
  EXPECT_TRUE(fields.Blanks());
  EXPECT_FALSE(fields.Blanks());
  EXPECT_TRUE(fields.Word(&word));
  EXPECT_EQ(word, "word");
  EXPECT_FALSE(fields.Word(&word));
  EXPECT_EQ(fields.rest(), " rest of it");
}

TEST(FieldScannerTest, TakesNumbersOnlyAsTheKernelPrintsThem) {
  for (const char* text : {"", " 1", "+1", "-1", "x", "99999999999999999999"}) {
    uint64_t number = 0;
    FieldScanner fields(text);
    EXPECT_FALSE(fields.Decimal(&number)) << text;
    EXPECT_EQ(fields.rest(), text);
  }
  uint64_t number = 0;
  FieldScanner prefixed("0x10");
  EXPECT_TRUE(prefixed.Hex(&number));
  EXPECT_EQ(number, 0u);
  EXPECT_EQ(prefixed.rest(), "x10");
}

TEST(FieldScannerTest, KnowsTheBoundsOfTheType) {
  uint64_t wide = 0;
  EXPECT_TRUE(FieldScanner("18446744073709551615").Decimal(&wide));
  EXPECT_EQ(wide, UINT64_MAX);
  EXPECT_FALSE(FieldScanner("18446744073709551616").Decimal(&wide));
  EXPECT_TRUE(FieldScanner("ffffffffffffffff").Hex(&wide));
  EXPECT_FALSE(FieldScanner("10000000000000000").Hex(&wide));
  uint32_t narrow = 0;
  EXPECT_TRUE(FieldScanner("4294967295").Decimal(&narrow));
  EXPECT_FALSE(FieldScanner("4294967296").Decimal(&narrow));
  int32_t negative = 0;
  EXPECT_TRUE(FieldScanner("-2147483648").Decimal(&negative));
  EXPECT_EQ(negative, INT32_MIN);
  EXPECT_FALSE(FieldScanner("-2147483649").Decimal(&negative));
}

TEST(UnescapeOctalTest, UndoesWhatTheKernelEscapes) {
  EXPECT_EQ(UnescapeOctal("/swap\\040file\\011\\012\\134x"), "/swap file\t\n\\x");
  EXPECT_EQ(UnescapeOctal("\\134040"), "\\040");
  EXPECT_EQ(UnescapeOctal("\\303\\244"), "\xc3\xa4");
  EXPECT_EQ(UnescapeOctal(""), "");
}

TEST(UnescapeOctalTest, LeavesOtherBackslashesAlone) {
  for (const char* text : {"\\", "\\0", "\\01", "\\08x", "\\400", "\\x41", "a\\12", "\\\\"}) {
    EXPECT_EQ(UnescapeOctal(text), text);
  }
}

TEST(MalformedLineTest, QuotesTheBeginningAndNothingUnprintable) {
  const absl::Status status = MalformedLine("swaps", absl::string_view("a\0\n\"b", 5));
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(status.message(), "not a line of swaps: \"a\\x00\\n\\\"b\"");
  EXPECT_LT(MalformedLine("swaps", std::string(100000, 'x')).message().size(), 200u);
  EXPECT_THAT(std::string(MalformedLine("swaps", std::string(100000, 'x')).message()),
              HasSubstr("xxx...\""));
}

}  // namespace
}  // namespace pagemapd
