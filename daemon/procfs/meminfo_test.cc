#include "daemon/procfs/meminfo.h"

#include <gtest/gtest.h>

#include <string>

#include "daemon/procfs/scratch_root.h"

namespace pagemapd {
namespace {

std::string Text(const std::string& cached, const std::string& total, const std::string& free) {
  return "MemTotal: 1 kB\nSwapCached: " + cached + "\nActive: 9 kB\nSwapTotal: " + total +
         "\nSwapFree:      " + free + "\n";
}

absl::StatusOr<SwapMeminfo> Read(const std::string& text) {
  const ScratchRoot scratch;
  scratch.Write("meminfo", text);
  return ReadSwapMeminfo(scratch.root());
}

TEST(MeminfoTest, ReadsKibibytes) {
  const auto swap = Read(Text("12 kB", "100 kB", "99 kB"));
  ASSERT_TRUE(swap.ok()) << swap.status();
  EXPECT_EQ(swap->cached_bytes, 12 * 1024);
  EXPECT_EQ(swap->total_bytes, 100 * 1024);
  EXPECT_EQ(swap->free_bytes, 99 * 1024);
}

TEST(MeminfoTest, RefusesWhatIsNoNumber) {
  for (const char* bad : {"x kB", "12", "99999999999999999999 kB", "-1 kB", ""}) {
    EXPECT_EQ(Read(Text(bad, "1 kB", "1 kB")).status().code(), absl::StatusCode::kDataLoss) << bad;
    EXPECT_EQ(Read(Text("1 kB", "1 kB", bad)).status().code(), absl::StatusCode::kDataLoss) << bad;
  }
  EXPECT_EQ(Read("SwapCached: 9 kB\n").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(ReadSwapMeminfo(ProcRoot("/nonexistent")).ok());
}

TEST(MeminfoTest, AnEmptySwapCacheMustBeProved) {
  const ScratchRoot scratch;
  EXPECT_FALSE(SwapCacheIsEmpty(scratch.root())) << "nothing can be read";
  scratch.Write("meminfo", Text("0 kB", "100 kB", "100 kB"));
  EXPECT_TRUE(SwapCacheIsEmpty(scratch.root())) << "no slot is in use";
  scratch.Write("meminfo", Text("0 kB", "100 kB", "96 kB"));
  EXPECT_FALSE(SwapCacheIsEmpty(scratch.root())) << "the counters cannot be refreshed";
  scratch.Write("sys/vm/stat_refresh", "");
  EXPECT_TRUE(SwapCacheIsEmpty(scratch.root()));
  scratch.Write("meminfo", Text("4 kB", "100 kB", "96 kB"));
  EXPECT_FALSE(SwapCacheIsEmpty(scratch.root()));
}

TEST(MeminfoTest, ReadsTheLiveKernel) {
  const auto swap = ReadSwapMeminfo(ProcRoot());
  ASSERT_TRUE(swap.ok()) << swap.status();
  EXPECT_LE(swap->free_bytes, swap->total_bytes);
}

}  // namespace
}  // namespace pagemapd
