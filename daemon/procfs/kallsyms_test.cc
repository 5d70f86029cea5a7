#include "daemon/procfs/kallsyms.h"

#include <gtest/gtest.h>

#include "daemon/procfs/scratch_root.h"

namespace pagemapd {
namespace {

absl::StatusOr<std::vector<bool>> Find(const std::string& text, std::vector<std::string> names) {
  const ScratchRoot scratch;
  scratch.Write("kallsyms", text);
  return HasKernelSymbols(scratch.root(), names);
}

TEST(KallsymsTest, FindsWholeNamesOfTheKernelItself) {
  const std::string text =
      "0000000000000000 T memory_failure\n"
      "0000000000000000 t memory_failure_queue\n"
      "0000000000000000 t elsewhere\t[module]\n";
  EXPECT_EQ(*Find(text, {"memory_failure", "memory", "memory_failure_queue", "elsewhere"}),
            (std::vector<bool>{true, false, true, false}));
}

TEST(KallsymsTest, RefusesWhatIsNoTable) {
  for (const char* text : {"x\n", "0 T\n", "0 T \n", "\n", "0 TT name\n"}) {
    EXPECT_EQ(Find(text, {"x"}).status().code(), absl::StatusCode::kDataLoss) << text;
  }
  EXPECT_FALSE(HasKernelSymbols(ProcRoot("/nonexistent"), {}).ok());
  EXPECT_EQ(Find("", {"x"}).status().code(), absl::StatusCode::kNotFound);
}

TEST(KallsymsTest, ReadsTheLiveKernel) {
  const auto found = HasKernelSymbols(ProcRoot(), {"vfs_read", "no_such_symbol"});
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(*found, (std::vector<bool>{true, false}));
}

}  // namespace
}  // namespace pagemapd
