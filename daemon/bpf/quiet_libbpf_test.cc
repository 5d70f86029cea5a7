#include "daemon/bpf/quiet_libbpf.h"

#include <bpf/libbpf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <thread>

namespace pagemapd {
namespace {

using ::testing::StartsWith;

// Opens what is no object: libbpf has something to say, and sets errno.
int Complain() {
  constexpr char kNothing[] = "no object";
  EXPECT_EQ(bpf_object__open_mem(kNothing, sizeof(kNothing), nullptr), nullptr);
  return errno;
}

TEST(QuietLibbpfTest, GivesTheErrorWithTheFirstWarning) {
  ::testing::internal::CaptureStderr();
  InstallLibbpfLog();
  const int error = Complain();
  const absl::Status status = LibbpfError(-error, "open x");
  EXPECT_THAT(status.ToString(), ::testing::HasSubstr("open x: "));
  EXPECT_THAT(status.ToString(), ::testing::HasSubstr(": elf: "));
  EXPECT_EQ(status.message().find('\n'), absl::string_view::npos);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  // Said once.
  EXPECT_EQ(LibbpfError(EACCES, "load x"), absl::PermissionDeniedError("load x: EACCES"));
}

TEST(QuietLibbpfTest, ForgetsWhatWasSaidBefore) {
  InstallLibbpfLog();
  Complain();
  InstallLibbpfLog();
  EXPECT_EQ(LibbpfError(EACCES, "load x"), absl::PermissionDeniedError("load x: EACCES"));
}

TEST(QuietLibbpfTest, KeepsThreadsApart) {
  InstallLibbpfLog();
  std::thread([] { Complain(); }).join();
  EXPECT_EQ(LibbpfError(EACCES, "load x"), absl::PermissionDeniedError("load x: EACCES"));
}

// What libbpf says then is a guess at limits of locked memory.
TEST(QuietLibbpfTest, NamesTheCapabilitiesThatAreMissing) {
  InstallLibbpfLog();
  Complain();
  EXPECT_EQ(LibbpfError(EPERM, "load x"),
            absl::PermissionDeniedError("load x: EPERM: CAP_BPF and CAP_PERFMON are needed"));
}

TEST(QuietLibbpfTest, NamesErrorsOfLibbpfsOwn) {
  InstallLibbpfLog();
  const absl::Status status = LibbpfError(-LIBBPF_ERRNO__FORMAT, "open x");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnknown);
  EXPECT_THAT(std::string(status.message()), StartsWith("open x: "));
}

}  // namespace
}  // namespace pagemapd
