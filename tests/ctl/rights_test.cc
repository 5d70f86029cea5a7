// pagemapctl as users who may see some things, and as one who may see nothing: what is shown, what
// is said of the rest, and the exit code.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "tests/testing/ctl_run.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/identity.h"
#include "tests/testing/memory_region.h"
#include "tests/testing/policy_file.h"
#include "tests/testing/swap_device.h"
#include "tests/testing/target_process.h"

namespace pagemapd {
namespace {

using nlohmann::json;

constexpr uint64_t kPages = 64;
constexpr int kPartlyDone = 3;
constexpr int kPermissionDenied = 4;

// May see states, and page out.
const Identity kOperator = {62001, 62001, {}};
// The same, by a supplementary group, and all else.
const Identity kMember = {62002, 62002, {62010}};
// May do nothing with the target.
const Identity kStranger = {65534, 65534, {}};
constexpr char kPolicy[] = R"(
grant { user: "62001" right: [INSPECT, PAGEOUT] all: true }
grant { group: "62010" right: [INSPECT, LOCATIONS, PAGEOUT] all: true }
)";

// A process of root's with half of its shared memory in swap.
class RightsTest : public testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<SwapDevice> swap = SwapDevice::Create(16 << 20);
    ASSERT_TRUE(swap.ok()) << swap.status();
    swap_.emplace(*std::move(swap));
    absl::StatusOr<PolicyFile> policy = PolicyFile::Create(kPolicy);
    ASSERT_TRUE(policy.ok()) << policy.status();
    policy_.emplace(*std::move(policy));
    absl::StatusOr<DaemonProcess> daemon = DaemonProcess::Start({"--policy", policy_->path()});
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    daemon_.emplace(*std::move(daemon));
    ASSERT_TRUE(daemon_->OpenToAll().ok());
    absl::StatusOr<TargetProcess> target = TargetProcess::Start();
    ASSERT_TRUE(target.ok()) << target.status();
    target_.emplace(*std::move(target));
    absl::StatusOr<MemoryRegion> region = MapRegion(*target_, MemoryKind::kMemfd, kPages);
    ASSERT_TRUE(region.ok()) << region.status();
    region_.emplace(*std::move(region));
    ASSERT_TRUE(target_->Write(region_->address, {{0, kPages}}).ok());
    const absl::Status out = PageOutRuns(*target_, region_->address, {{0, kPages / 2}});
    ASSERT_TRUE(out.ok()) << out;
  }

  std::string Pid() const { return absl::StrCat(target_->pid()); }
  std::string Range() const {
    return absl::StrFormat("%x-%x", region_->address, region_->address + kPages * 4096);
  }

  CtlResult RunAs(const Identity& who, const std::vector<std::string>& args) {
    absl::StatusOr<CtlResult> result = RunCtlAs(who, daemon_->address(), args);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *std::move(result) : CtlResult();
  }

  std::optional<SwapDevice> swap_;
  std::optional<PolicyFile> policy_;
  std::optional<DaemonProcess> daemon_;
  std::optional<TargetProcess> target_;
  std::optional<MemoryRegion> region_;
};

TEST_F(RightsTest, LocationsAreLeftOutAndSaidSo) {
  const std::vector<std::string> pages = {"pages", Pid(),   "--range", Range(),
                                          "-o",    "jsonl", "--flags"};
  const CtlResult all = RunAs(kMember, pages);
  EXPECT_EQ(all.exit_code, 0) << all.err;
  const CtlResult some = RunAs(kOperator, pages);
  EXPECT_EQ(some.exit_code, kPartlyDone);
  EXPECT_EQ(some.err, absl::StrCat("pagemapctl: missing right locations: left out of process ",
                                   Pid(), ": PFNs and swap offsets, flags of page frames\n"));

  // Locations split extents, so there are as many or more with them; states are the same.
  const auto states = [](const std::string& out, bool locations) {
    std::string states;
    for (const absl::string_view text : absl::StrSplit(out, '\n', absl::SkipEmpty())) {
      const json line = json::parse(text);
      const std::string state = line["state"];
      EXPECT_EQ(line.contains("pfn"), locations && state == "mapped") << line;
      EXPECT_EQ(line.contains("swap"), locations && state == "swapped") << line;
      for (int i = 0; i < line["pages"]; ++i) absl::StrAppend(&states, state, " ");
    }
    return states;
  };
  const std::string seen = states(some.out, false);
  EXPECT_EQ(seen, states(all.out, true));
  EXPECT_TRUE(absl::StartsWith(seen, "swapped ")) << seen;

  const CtlResult unasked =
      RunAs(kOperator, {"pages", Pid(), "--range", Range(), "-o", "jsonl", "--no-locations"});
  EXPECT_EQ(unasked.exit_code, 0) << unasked.err;
  EXPECT_EQ(states(unasked.out, false), seen);
  const CtlResult map = RunAs(kOperator, {"map", Pid()});
  EXPECT_EQ(map.exit_code, 0) << map.err;
}

TEST_F(RightsTest, ADeniedTargetIsNeitherShownNorTouched) {
  for (const std::vector<std::string>& args :
       std::vector<std::vector<std::string>>{{"pages", Pid()},
                                             {"pages", Pid(), "-o", "jsonl"},
                                             {"summary", Pid()},
                                             {"mappings", Pid()},
                                             {"map", Pid()},
                                             {"pageout", Pid(), "--range", Range()},
                                             {"pageout", Pid(), "--range", Range(), "--dry-run"}}) {
    const CtlResult result = RunAs(kStranger, args);
    EXPECT_EQ(result.exit_code, kPermissionDenied) << args[0] << ": " << result.err;
    EXPECT_FALSE(absl::StrContains(result.out, "swapped")) << args[0] << ": " << result.out;
    EXPECT_TRUE(absl::StrContains(
        result.err, absl::StrCat("missing right ",
                                 args[0] == "pageout" ? "pageout: uid 65534 may not page out"
                                                      : "inspect: uid 65534 may not ask about",
                                 " process ", Pid(), " of uid 0")))
        << args[0] << ": " << result.err;
  }
  // Who is denied one of two gets the other.
  const CtlResult counted = RunAs(kOperator, {"summary", Pid(), "-o", "json"});
  EXPECT_EQ(counted.exit_code, 0) << counted.err;
  EXPECT_GE(json::parse(counted.out)["total"]["mapped"], kPages / 2);
}

TEST_F(RightsTest, ThoseWhoMayPageOutDo) {
  const CtlResult result = RunAs(kOperator, {"pageout", Pid(), "--range", Range(), "-o", "json"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const CtlResult after = RunAs(kOperator, {"pages", Pid(), "--range", Range(), "-o", "jsonl",
                                            "--state", "swapped", "--no-locations"});
  uint64_t swapped = 0;
  for (const absl::string_view text : absl::StrSplit(after.out, '\n', absl::SkipEmpty())) {
    swapped += json::parse(text)["pages"].get<uint64_t>();
  }
  EXPECT_EQ(swapped, kPages);
}

TEST_F(RightsTest, StatusSaysWhoAsks) {
  const auto caller = [&](const Identity& who) {
    const CtlResult result = RunAs(who, {"status", "-o", "json"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return json::parse(result.out)["caller"];
  };
  const json member = caller(kMember);
  EXPECT_EQ(member["uid"], 62002);
  EXPECT_NE(std::find(member["gids"].begin(), member["gids"].end(), 62010), member["gids"].end());
  EXPECT_EQ(member["rights"].size(), 3u) << member;
  const json stranger = caller(kStranger);
  EXPECT_EQ(stranger["uid"], 65534);
  EXPECT_EQ(stranger["rights"], json::parse(R"(["inspect: own processes"])"));
}

TEST_F(RightsTest, MetricsTellOfADeniedProcess) {
  const CtlResult result = RunAs(kStranger, {"metrics", Pid()});
  EXPECT_EQ(result.exit_code, kPartlyDone);
  EXPECT_TRUE(absl::StrContains(result.out, absl::StrCat("pagemapd_process_error{pid=\"", Pid(),
                                                         "\",reason=\"permission_denied\"} 1\n")))
      << result.out;
  EXPECT_TRUE(absl::StrContains(result.out, "pagemapd_up 1\n"));
  EXPECT_TRUE(absl::StrContains(result.out, "pagemapd_denials_total{right=\"inspect\"} 1\n"));
}

}  // namespace
}  // namespace pagemapd
