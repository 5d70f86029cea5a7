// The parser of /proc/PID/stat.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "daemon/procfs/process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

// Fields 4 to 52, numbered so that each is known by its value.
std::vector<std::string> Numbers() {
  std::vector<std::string> numbers;
  for (int field = 4; field <= 52; ++field) numbers.push_back(absl::StrCat(field * 1000));
  return numbers;
}

std::string Stat(absl::string_view name, absl::string_view state,
                 const std::vector<std::string>& numbers) {
  return absl::StrCat("42 (", name, ") ", state, " ", absl::StrJoin(numbers, " "), "\n");
}

void ExpectNumbered(const absl::StatusOr<ProcessStat>& stat, char state) {
  ASSERT_TRUE(stat.ok()) << stat.status();
  EXPECT_EQ(stat->state, state);
  EXPECT_EQ(stat->flags, 9000u);
  EXPECT_EQ(stat->start_time_ticks, 22000u);
  EXPECT_EQ(stat->start_code, 26000u);
  EXPECT_EQ(stat->end_code, 27000u);
  EXPECT_EQ(stat->start_stack, 28000u);
  EXPECT_EQ(stat->start_brk, 47000u);
}

TEST(ParseProcessStatTest, TakesTheFieldsByNumber) {
  ExpectNumbered(ParseProcessStat(Stat("sleep", "S", Numbers())), 'S');
}

TEST(ParseProcessStatTest, TakesALineOfTheKernel) {
  const auto stat = ParseProcessStat(
      "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 12 0 0 18446744073709551615 0 0 "
      "0 0 0 0 0 2147483647 0 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
  ASSERT_TRUE(stat.ok()) << stat.status();
  EXPECT_EQ(stat->start_time_ticks, 12u);
  EXPECT_EQ(stat->start_stack, 0u);
}

TEST(ParseProcessStatTest, EndsTheNameAtTheLastParenthesis) {
  for (const char* name : {"", ")", "(", ") (", ") Z 1 2 3", "a) S 1 (b", "line\nbreak", " ", "\\n",
                           "(sd-pam)", ")))"}) {
    ExpectNumbered(ParseProcessStat(Stat(name, "R", Numbers())), 'R');
  }
  ExpectNumbered(ParseProcessStat(Stat(absl::string_view("a\0b", 3), "Z", Numbers())), 'Z');
}

TEST(ParseProcessStatTest, WantsNoMoreThanField47) {
  auto numbers = Numbers();
  numbers.resize(44);
  ExpectNumbered(ParseProcessStat(Stat("x", "S", numbers)), 'S');
  numbers.insert(numbers.end(), 50, "later");
  ExpectNumbered(ParseProcessStat(Stat("x", "S", numbers)), 'S');
  numbers.resize(43);
  EXPECT_EQ(ParseProcessStat(Stat("x", "S", numbers)).status().code(), absl::StatusCode::kDataLoss);
}

TEST(ParseProcessStatTest, TakesTheLargestNumbers) {
  std::vector<std::string> numbers(49, "18446744073709551615");
  const auto stat = ParseProcessStat(Stat("x", "S", numbers));
  ASSERT_TRUE(stat.ok()) << stat.status();
  EXPECT_EQ(stat->start_time_ticks, UINT64_MAX);
  EXPECT_EQ(stat->start_brk, UINT64_MAX);
}

TEST(ParseProcessStatTest, RefusesBadNumbersWhereItNeedsThem) {
  for (const int field : {9, 22, 26, 27, 28, 47}) {
    for (const char* bad : {"", "x", "-1", "+1", "0x1", "1x", "18446744073709551616", "1.5"}) {
      auto numbers = Numbers();
      numbers[field - 4] = bad;
      EXPECT_EQ(ParseProcessStat(Stat("x", "S", numbers)).status().code(),
                absl::StatusCode::kDataLoss)
          << field << " " << bad;
    }
  }
}

TEST(ParseProcessStatTest, RefusesOtherText) {
  const std::string numbers = absl::StrJoin(Numbers(), " ");
  const std::string texts[] = {
      "",
      "\n",
      "42",
      "42 (",
      "42 (x",
      "42 (x)",
      "42 (x) ",
      "42 (x) S",
      "42 (x) S ",
      ") (",
      "42 ) (x S " + numbers,
      "42 (x)S " + numbers,
      "42(x) S " + numbers,
      "(x) S " + numbers,
      " (x) S " + numbers,
      "x (x) S " + numbers,
      "-42 (x) S " + numbers,
      "42 (x)  S " + numbers,
      "42 (x) SS " + numbers,
      "42 (x) 1 " + numbers,
      "42 (x) S  " + numbers,
      "42 (x) S\n" + numbers,
      std::string(5000, '('),
      std::string(5000, ')'),
      std::string(100, '\0'),
  };
  for (const std::string& text : texts) {
    EXPECT_EQ(ParseProcessStat(text).status().code(), absl::StatusCode::kDataLoss) << text;
  }
}

}  // namespace
}  // namespace pagemapd
