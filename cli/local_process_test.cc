#include "cli/local_process.h"

#include <sys/prctl.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

TEST(LocalProcessTest, TakesANameOfAnyBytes) {
  char before[16];
  ASSERT_EQ(prctl(PR_GET_NAME, before), 0);
  for (const char* name : {"plain", ") R 1 1 (", "a\nb) 2 (c", "\xff\"\\", ""}) {
    ASSERT_EQ(prctl(PR_SET_NAME, name), 0);
    const auto process = ReadLocalProcess(getpid());
    ASSERT_TRUE(process.has_value()) << name;
    EXPECT_EQ(process->comm, name);
    EXPECT_GT(process->start_time_ticks, 0u);
  }
  prctl(PR_SET_NAME, before);
}

TEST(LocalProcessTest, TheStartTimeIsField22) {
  const auto process =
      ParseProcessStat("7 (x) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24\n");
  ASSERT_TRUE(process.has_value());
  EXPECT_EQ(process->start_time_ticks, 22u);
}

TEST(LocalProcessTest, WhatIsNoStatIsNothing) {
  for (const char* text : {"", "7", "7 (x", "7 x) S", ")(", "7 (x) S 4 5 6",
                           "7 (x) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 -1 23"}) {
    EXPECT_FALSE(ParseProcessStat(text).has_value()) << text;
  }
  EXPECT_FALSE(ReadLocalProcess(0).has_value());
}

}  // namespace
}  // namespace pagemapd
