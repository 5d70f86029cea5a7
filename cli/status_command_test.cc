#include "cli/status_command.h"

#include <nlohmann/json.hpp>

#include "cli/command_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using testing::HasSubstr;
using testing::Not;

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

TEST_F(StatusCommandTest, SaysWhoAsksAndWhatThatOneMay) {
  auto& caller = *service_.capabilities.mutable_caller();
  caller.set_uid(1000);
  caller.add_gids(1000);
  caller.add_gids(27);
  caller.add_rights("inspect: own processes");
  caller.add_rights("pageout: processes of uid 64055");
  service_.capabilities.mutable_limits()->set_max_calls_per_caller(16);
  service_.capabilities.mutable_limits()->set_max_connections_per_user(64);
  EXPECT_THAT(Run(OutputFormat::kTable, RunStatus).out,
              HasSubstr("\ncalls at once      16 a caller\n"
                        "connections        64 a user\n"
                        "caller             uid 1000, gids 1000, 27\n"
                        "right              inspect: own processes\n"
                        "right              pageout: processes of uid 64055\n"));
  const auto json = nlohmann::json::parse(Run(OutputFormat::kJson, RunStatus).out);
  EXPECT_EQ(json["caller"], nlohmann::json::parse(R"({"uid":1000,"gids":[1000,27],
      "rights":["inspect: own processes","pageout: processes of uid 64055"]})"));
  EXPECT_EQ(json["limits"]["max_calls_per_caller"], 16);
  EXPECT_EQ(json["limits"]["max_connections_per_user"], 64);
}

TEST_F(StatusCommandTest, SaysWhichCertificateAsks) {
  auto& caller = *service_.capabilities.mutable_caller();
  caller.add_certificate_names("DNS:ops.example");
  caller.add_certificate_names("a\n\x1b[2J");
  EXPECT_THAT(Run(OutputFormat::kTable, RunStatus).out,
              HasSubstr("caller             certificate of DNS:ops.example, a\\x0a\\x1b[2J\n"
                        "right              none\n"));
  const auto json = nlohmann::json::parse(Run(OutputFormat::kJsonLines, RunStatus).out);
  EXPECT_FALSE(json["caller"].contains("uid"));
  EXPECT_EQ(json["caller"]["certificate_names"][1], "a\n\x1b[2J");
}

// A daemon that is older does not say.
TEST_F(StatusCommandTest, NobodyIsMadeUp) {
  EXPECT_THAT(Run(OutputFormat::kTable, RunStatus).out, Not(HasSubstr("caller  ")));
  EXPECT_FALSE(nlohmann::json::parse(Run(OutputFormat::kJson, RunStatus).out).contains("caller"));
}

}  // namespace
}  // namespace pagemapd
