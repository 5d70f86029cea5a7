// pagemapctl over TCP, with certificates made here.

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/scratch_certificates.h"
#include "tests/testing/ctl_run.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/fd.h"
#include "tests/testing/free_port.h"
#include "tests/testing/policy_file.h"

namespace pagemapd {
namespace {

using nlohmann::json;

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kPartlyDone = 3;
constexpr int kPermissionDenied = 4;
constexpr int kUnreachable = 5;
constexpr char kPolicy[] = R"(
grant { certificate_name: "ops.example" right: [INSPECT, LOCATIONS] all: true }
grant { certificate_name: "weak.example" right: INSPECT all: true }
)";

class TlsTest : public testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<PolicyFile> policy = PolicyFile::Create(kPolicy);
    ASSERT_TRUE(policy.ok()) << policy.status();
    policy_.emplace(*std::move(policy));
    const auto own = certificates_.Issue("daemon", "IP:127.0.0.1,DNS:daemon.example");
    port_ = FreePort();
    absl::StatusOr<DaemonProcess> daemon = DaemonProcess::Start(
        {"--policy", policy_->path(), "--address", Address(), "--tls-cert", own.cert, "--tls-key",
         own.key, "--tls-client-ca", certificates_.ca()});
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    daemon_.emplace(*std::move(daemon));
    ops_ = certificates_.Issue("ops", "DNS:ops.example");
  }

  std::string Address() const { return absl::StrCat("tcp://127.0.0.1:", port_); }

  CtlResult RunWith(const ScratchCertificates::Files& own, std::vector<std::string> args) {
    for (const std::string& arg :
         {std::string("--tls-ca"), certificates_.ca(), std::string("--tls-cert"), own.cert,
          std::string("--tls-key"), own.key}) {
      args.push_back(arg);
    }
    return Run(args);
  }
  CtlResult Run(const std::vector<std::string>& args) {
    absl::StatusOr<CtlResult> result = RunCtl(Address(), args);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *std::move(result) : CtlResult();
  }

  ScratchCertificates certificates_;
  std::optional<PolicyFile> policy_;
  int port_ = 0;
  std::optional<DaemonProcess> daemon_;
  ScratchCertificates::Files ops_;
};

TEST_F(TlsTest, ACertificateHasTheRightsOfItsName) {
  const std::string pid = absl::StrCat(getpid());
  const CtlResult status = RunWith(ops_, {"status", "-o", "json"});
  EXPECT_EQ(status.exit_code, 0) << status.err;
  const json caller = json::parse(status.out)["caller"];
  EXPECT_EQ(caller["certificate_names"], json::parse(R"(["ops.example"])"));
  EXPECT_EQ(caller["rights"].size(), 2u) << caller;
  EXPECT_FALSE(caller.contains("uid"));
  EXPECT_EQ(RunWith(ops_, {"pages", pid, "-o", "csv"}).exit_code, 0);

  const auto weak = certificates_.Issue("weak", "DNS:other.example,DNS:weak.example");
  const CtlResult redacted = RunWith(weak, {"pages", pid, "-o", "csv"});
  EXPECT_EQ(redacted.exit_code, kPartlyDone);
  EXPECT_EQ(redacted.err, absl::StrCat("pagemapctl: missing right locations: left out of process ",
                                       pid, ": PFNs and swap offsets\n"));
  const CtlResult denied = RunWith(weak, {"pageout", pid, "--range", "1000-2000"});
  EXPECT_EQ(denied.exit_code, kPermissionDenied) << denied.err;

  const auto nobody = certificates_.Issue("nobody", "DNS:nobody.example");
  const CtlResult refused = RunWith(nobody, {"summary", pid});
  EXPECT_EQ(refused.exit_code, kPermissionDenied) << refused.err;
  EXPECT_EQ(refused.out, "");
}

TEST_F(TlsTest, WhoeverIsNotKnownIsNotTalkedTo) {
  ScratchCertificates others;
  const CtlResult stranger = RunWith(others.Issue("ops", "DNS:ops.example"), {"status"});
  EXPECT_EQ(stranger.exit_code, kUnreachable) << stranger.err;
  EXPECT_EQ(stranger.out, "");
  EXPECT_TRUE(absl::StrContains(stranger.err, "it may refuse the certificate of --tls-cert"))
      << stranger.err;
  const CtlResult other_ca =
      Run({"status", "--tls-ca", others.ca(), "--tls-cert", ops_.cert, "--tls-key", ops_.key});
  EXPECT_EQ(other_ca.exit_code, kUnreachable);
  EXPECT_TRUE(absl::StrContains(other_ca.err, "Ssl handshake failed")) << other_ca.err;
}

TEST_F(TlsTest, TheDaemonsNameIsLookedAt) {
  EXPECT_EQ(RunWith(ops_, {"swap", "--tls-name", "daemon.example"}).exit_code, 0);
  const CtlResult other = RunWith(ops_, {"swap", "--tls-name", "other.example"});
  EXPECT_EQ(other.exit_code, kUnreachable);
  EXPECT_TRUE(absl::StrContains(other.err, "other.example is not in peer certificate"))
      << other.err;
}

TEST_F(TlsTest, WhatIsMissingIsNamed) {
  const CtlResult none = Run({"status"});
  EXPECT_EQ(none.exit_code, kUsage);
  EXPECT_TRUE(absl::StrContains(
      none.err, absl::StrCat("for ", Address(), ", --tls-ca, --tls-cert, --tls-key are missing")))
      << none.err;
  const CtlResult gone = RunWith({"/nonexistent.pem", ops_.key}, {"status"});
  EXPECT_EQ(gone.exit_code, kFailed);
  EXPECT_TRUE(absl::StrContains(gone.err, "--tls-cert /nonexistent.pem: cannot be opened"))
      << gone.err;
}

}  // namespace
}  // namespace pagemapd
