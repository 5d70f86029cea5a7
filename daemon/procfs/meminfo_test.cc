#include "daemon/procfs/meminfo.h"

#include <gtest/gtest.h>

#include <string>

#include "daemon/procfs/scratch_root.h"

namespace pagemapd {
namespace {

absl::StatusOr<uint64_t> Read(const std::string& text) {
  const ScratchRoot scratch;
  scratch.Write("meminfo", text);
  return SwapCachedBytes(scratch.root());
}

TEST(MeminfoTest, ReadsKibibytes) {
  EXPECT_EQ(*Read("MemTotal: 1 kB\nSwapCached:         12 kB\nActive: 9 kB\n"), 12 * 1024);
}

TEST(MeminfoTest, RefusesWhatIsNoNumber) {
  EXPECT_EQ(Read("SwapCached: x kB\n").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Read("SwapCached: 12\n").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Read("SwapCached: 99999999999999999999 kB\n").status().code(),
            absl::StatusCode::kDataLoss);
  EXPECT_EQ(Read("Active: 9 kB\n").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(SwapCachedBytes(ProcRoot("/nonexistent")).ok());
}

TEST(MeminfoTest, ReadsTheLiveKernel) { EXPECT_TRUE(SwapCachedBytes(ProcRoot()).ok()); }

}  // namespace
}  // namespace pagemapd
