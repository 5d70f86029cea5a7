// Against the live kernel and the swap areas that it has, be it none.
// tests/integration/swap_areas_test.cc has areas of its own.
#include "daemon/bpf/swap_table.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "daemon/procfs/proc_root.h"
#include "daemon/procfs/swaps.h"

namespace pagemapd {
namespace {

TEST(SwapTableTest, FindsNoAreaThatIsNone) {
  const auto table = SwapTable::Load();
  ASSERT_TRUE(table.ok()) << table.status();
  const auto lines = ReadSwaps(ProcRoot());
  ASSERT_TRUE(lines.ok()) << lines.status();
  // One more than there are: every CPU is looked at.
  const auto entries = (*table)->Read(lines->size() + 1);
  ASSERT_TRUE(entries.ok()) << entries.status();
  EXPECT_LE(entries->size(), lines->size());
  for (size_t i = 0; i < entries->size(); ++i) {
    const SwapTableEntry& entry = (*entries)[i];
    if (i > 0) {
      EXPECT_GT(entry.type, (*entries)[i - 1].type);
    }
    EXPECT_GT(entry.pages, 0u);
  }
}

TEST(SwapTableTest, ServesThreadsAtOnce) {
  const auto table = SwapTable::Load();
  ASSERT_TRUE(table.ok()) << table.status();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&table] {
      for (int j = 0; j < 100; ++j) EXPECT_TRUE((*table)->Read(32).ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace pagemapd
