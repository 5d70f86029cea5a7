// The log: nobody fills it who has no right to what is logged, and the daemon ends when nobody
// reads it.

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "pagemapd/v1/pagemap_service.grpc.pb.h"
#include "tests/testing/caller.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/fd.h"
#include "tests/testing/page_client.h"
#include "tests/testing/undo_entry.h"

namespace pagemapd {
namespace {

constexpr uid_t kNobody = 65534;

// A page-out of this process, which is root's: whether it was done is in the end.
v1::PageOutEnd PageOutOfThis(v1::PagemapService::Stub& stub, bool dry_run) {
  grpc::ClientContext context;
  v1::PageOutRequest request;
  request.mutable_process()->set_pid(getpid());
  request.set_dry_run(dry_run);
  v1::AddressRange* range = request.add_ranges()->mutable_range();
  range->set_start(0x1000);
  range->set_end(0x2000);
  const auto stream = stub.PageOut(&context, request);
  v1::PageOutResponse answer;
  v1::PageOutEnd end;
  while (stream->Read(&answer)) end = answer.end();
  EXPECT_TRUE(stream->Finish().ok());
  return end;
}

int Lines(const std::string& log, const std::string& with) {
  int lines = 0;
  for (const absl::string_view line : absl::StrSplit(log, '\n')) {
    lines += absl::StrContains(line, with);
  }
  return lines;
}

TEST(LogTest, WhoMayNotPageOutCannotFillIt) {
  absl::StatusOr<DaemonProcess> daemon = DaemonProcess::Start({});
  ASSERT_TRUE(daemon.ok()) << daemon.status();
  ASSERT_TRUE(daemon->OpenToAll().ok());
  const auto nobody = NewStubAs({kNobody, kNobody}, daemon->socket());
  ASSERT_TRUE(nobody.ok()) << nobody.status();
  constexpr int kCalls = 400;
  const absl::Time begin = absl::Now();
  for (int i = 0; i < kCalls; ++i) {
    EXPECT_EQ(PageOutOfThis(**nobody, i % 2 == 0).error().reason(),
              v1::ERROR_REASON_PERMISSION_DENIED);
  }
  const double seconds = absl::ToDoubleSeconds(absl::Now() - begin);
  const std::string log = daemon->Log();
  const int lines = Lines(log, "caller=\"uid 65534\"");
  printf("[ figure ] %d page-outs that were denied, in %.2f s: %d lines of log\n", kCalls, seconds,
         lines);
  EXPECT_GT(lines, 0);
  EXPECT_LE(lines, 20 * (static_cast<int>(seconds) + 2)) << "20 a second";
  // What is done is told of, all of it.
  const auto root = NewStub(daemon->address());
  for (int i = 0; i < 60; ++i) {
    const v1::PageOutEnd end = PageOutOfThis(*root, /*dry_run=*/false);
    EXPECT_FALSE(end.has_error()) << end.error().message();
  }
  EXPECT_EQ(Lines(daemon->Log(), "page_out begins caller=\"uid 0\""), 60) << daemon->Log();
  EXPECT_EQ(Lines(daemon->Log(), "page_out ends caller=\"uid 0\""), 60);
}

TEST(LogTest, TheDaemonEndsThoughNobodyReadsIt) {
  char directory[] = "/tmp/pagemapd-log-test-XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  const absl::StatusOr<UndoEntry> undo = UndoEntry::Register({"rmtree", directory});
  ASSERT_TRUE(undo.ok()) << undo.status();
  const std::string log = absl::StrCat(directory, "/log");
  ASSERT_EQ(mkfifo(log.c_str(), 0600), 0);
  const Fd ours(open(log.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  ASSERT_TRUE(ours);
  absl::StatusOr<DaemonProcess> daemon =
      DaemonProcess::Start({}, {"/bin/sh", "-c", absl::StrCat("exec \"$@\" 2>", log), "sh"});
  ASSERT_TRUE(daemon.ok()) << daemon.status();
  // It takes connections before it has said so, and waits for who reads that.
  std::string said;
  const absl::Time limit = absl::Now() + absl::Seconds(60);
  while (!absl::StrContains(said, " started ") && absl::Now() < limit) {
    char text[4096];
    const ssize_t got = read(ours.get(), text, sizeof(text));
    if (got > 0) said.append(text, got);
    absl::SleepFor(absl::Milliseconds(1));
  }
  ASSERT_TRUE(absl::StrContains(said, " started ")) << said;
  // Full, to the last byte.
  const std::string much(4096, '.');
  while (write(ours.get(), much.data(), much.size()) > 0) {
  }
  while (write(ours.get(), ".", 1) > 0) {
  }
  const absl::Time begin = absl::Now();
  ASSERT_TRUE(daemon->Signal(SIGTERM).ok());
  const absl::StatusOr<int> status = daemon->Wait(absl::Seconds(30));
  const absl::Duration took = absl::Now() - begin;
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(*status, 0);
  printf("[ figure ] SIGTERM with a log that nobody reads: gone after %.2f s\n",
         absl::ToDoubleSeconds(took));
  // What is promised.
  EXPECT_LT(took, absl::Seconds(5));
}

}  // namespace
}  // namespace pagemapd
