#include "cli/output/csv_row.h"

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

std::string Row(const std::vector<std::string>& fields) {
  fmt::memory_buffer out;
  AppendCsvRow(fields, out);
  return fmt::to_string(out);
}

TEST(CsvRowTest, QuotesOnlyWhereNeeded) {
  EXPECT_EQ(Row({"1", "", "/dev/shm/x y"}), "1,,/dev/shm/x y\n");
  EXPECT_EQ(Row({"a,b", "say \"no\"", "two\nlines", "cr\r"}),
            "\"a,b\",\"say \"\"no\"\"\",\"two\nlines\",\"cr\r\"\n");
}

}  // namespace
}  // namespace pagemapd
