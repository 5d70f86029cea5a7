#include "cli/status_command.h"

#include "cli/command_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using testing::HasSubstr;

class StatusCommandTest : public CommandTest {
 protected:
  StatusCommandTest() {
    AddSource("bpf", false, false, "the kernel has no BTF: /sys/kernel/btf/vmlinux is missing");
    AddSource("probe", true, true, "lseek and cachestat");
    AddSource("spare", true, false, "");
  }

  void AddSource(const char* name, bool available, bool active, const char* detail) {
    auto& source = *service_.capabilities.add_sources();
    source.set_name(name);
    source.set_available(available);
    source.set_active(active);
    source.set_detail(detail);
  }
};

TEST_F(StatusCommandTest, SaysWhyASourceIsOff) {
  const Result result = Run(OutputFormat::kTable, RunStatus);
  EXPECT_EQ(result.code, ExitCode::kDone);
  EXPECT_THAT(result.out, HasSubstr("\nsource bpf         not available: the kernel has no BTF: "
                                    "/sys/kernel/btf/vmlinux is missing\n"
                                    "source probe       active: lseek and cachestat\n"
                                    "source spare       available\n"));
}

TEST_F(StatusCommandTest, AReasonCannotSteerTheTerminal) {
  service_.capabilities.mutable_sources(0)->set_detail("refused:\n\x1b[2J0: R1=ctx");
  EXPECT_THAT(Run(OutputFormat::kTable, RunStatus).out,
              HasSubstr("not available: refused:\\x0a\\x1b[2J0: R1=ctx\n"));
}

TEST_F(StatusCommandTest, GivesSourcesToPrograms) {
  EXPECT_THAT(
      Run(OutputFormat::kJsonLines, RunStatus).out,
      HasSubstr(R"({"name":"bpf","available":false,"active":false,)"
                R"("detail":"the kernel has no BTF: /sys/kernel/btf/vmlinux is missing"})"));
}

}  // namespace
}  // namespace pagemapd
