#include "cli/exit_code.h"

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

TEST(ExitCodeTest, FollowsTheStatusOfACall) {
  const auto code = [](grpc::StatusCode status) { return ExitCodeOf(grpc::Status(status, "")); };
  EXPECT_EQ(ExitCodeOf(grpc::Status::OK), ExitCode::kDone);
  EXPECT_EQ(code(grpc::StatusCode::PERMISSION_DENIED), ExitCode::kPermissionDenied);
  EXPECT_EQ(code(grpc::StatusCode::UNAUTHENTICATED), ExitCode::kPermissionDenied);
  EXPECT_EQ(code(grpc::StatusCode::UNAVAILABLE), ExitCode::kUnreachable);
  EXPECT_EQ(code(grpc::StatusCode::NOT_FOUND), ExitCode::kFailed);
  EXPECT_EQ(code(grpc::StatusCode::INVALID_ARGUMENT), ExitCode::kFailed);
}

TEST(ExitCodeTest, FollowsTheReasonOfATarget) {
  EXPECT_EQ(ExitCodeOf(v1::ERROR_REASON_PERMISSION_DENIED), ExitCode::kPermissionDenied);
  EXPECT_EQ(ExitCodeOf(v1::ERROR_REASON_PROCESS_EXITED), ExitCode::kFailed);
}

TEST(ExitTallyTest, MakesOneCodeOfMany) {
  ExitTally tally;
  EXPECT_EQ(tally.code(), ExitCode::kDone);
  tally.Failed(ExitCode::kPermissionDenied);
  tally.Failed(ExitCode::kPermissionDenied);
  EXPECT_EQ(tally.code(), ExitCode::kPermissionDenied);
  tally.Failed(ExitCode::kFailed);
  EXPECT_EQ(tally.code(), ExitCode::kFailed);
  tally.Answered();
  EXPECT_EQ(tally.code(), ExitCode::kPartlyDone);
}

TEST(ExitTallyTest, AnAnswerAloneIsDone) {
  ExitTally tally;
  tally.Answered();
  EXPECT_EQ(tally.code(), ExitCode::kDone);
}

}  // namespace
}  // namespace pagemapd
