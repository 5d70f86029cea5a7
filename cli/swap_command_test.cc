#include "cli/swap_command.h"

#include "cli/command_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using testing::HasSubstr;

class SwapCommandTest : public CommandTest {
 protected:
  SwapCommandTest() {
    // Type 1 was removed: the second line has type 2.
    AddArea("/dev/zram0", 0);
    AddArea("/swapfile", 2);
    service_.areas.mutable_areas(1)->set_is_file(true);
  }

  void AddArea(const char* path, uint32_t type) {
    v1::SwapArea& area = *service_.areas.add_areas();
    area.set_path(path);
    area.set_type(type);
    area.set_priority(100);
    area.set_size_pages(256);
  }
};

TEST_F(SwapCommandTest, ShowsEachTypeAsTheDaemonTellsIt) {
  const Result result = Run(OutputFormat::kTable, RunSwap);
  EXPECT_EQ(result.code, ExitCode::kDone);
  EXPECT_EQ(result.out,
            "TYPE  PATH        KIND    PRIO  SIZE  USED  UUID  LABEL\n"
            "   0  /dev/zram0  device   100    1M     0  -     -\n"
            "   2  /swapfile   file     100    1M     0  -     -\n"
            "\n"
            "zswap is off\n");
  EXPECT_EQ(result.error, "");
}

TEST_F(SwapCommandTest, ExplainsATypeThatIsNotKnown) {
  service_.areas.mutable_areas(1)->clear_type();
  const Result result = Run(OutputFormat::kTable, RunSwap);
  EXPECT_EQ(result.code, ExitCode::kDone);
  EXPECT_THAT(result.out, HasSubstr("\n   ?  /swapfile"));
  EXPECT_THAT(result.error, HasSubstr("type ?: the daemon cannot tell for certain"));
}

TEST_F(SwapCommandTest, LeavesATypeOutForPrograms) {
  service_.areas.mutable_areas(1)->clear_type();
  EXPECT_THAT(Run(OutputFormat::kJsonLines, RunSwap).out,
              testing::AllOf(HasSubstr("{\"type\":0,\"path\":\"/dev/zram0\""),
                             HasSubstr("{\"path\":\"/swapfile\"")));
  EXPECT_THAT(Run(OutputFormat::kCsv, RunSwap).out,
              testing::AllOf(HasSubstr("\n0,/dev/zram0,device,"), HasSubstr("\n,/swapfile,file,")));
}

}  // namespace
}  // namespace pagemapd
