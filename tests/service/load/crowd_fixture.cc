#include "tests/service/load/crowd_fixture.h"

#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/testing/caller.h"
#include "tests/testing/page_client.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

constexpr uint64_t kLongPages = 65536;
// What an allocator may keep.
constexpr uint64_t kSlack = 16 << 20;

}  // namespace

void CrowdTest::StartDaemon(std::vector<std::string> flags) {
  std::string text = "grant {\n";
  for (int number = 0; number < kUsers; ++number) {
    absl::StrAppend(&text, "  user: \"", User(number).uid, "\"\n");
  }
  text += "  right: INSPECT\n  all: true\n}\n";
  absl::StatusOr<PolicyFile> policy = PolicyFile::Create(text);
  ASSERT_TRUE(policy.ok()) << policy.status();
  policy_.emplace(*std::move(policy));
  flags.insert(flags.end(), {"--policy", policy_->path()});
  if (std::find(flags.begin(), flags.end(), "--log-level") == flags.end()) {
    flags.insert(flags.end(), {"--log-level", "error"});
  }
  absl::StatusOr<DaemonProcess> daemon = DaemonProcess::Start(flags);
  ASSERT_TRUE(daemon.ok()) << daemon.status();
  daemon_.emplace(*std::move(daemon));
  ASSERT_TRUE(daemon_->OpenToAll().ok());
  absl::StatusOr<TargetProcess> target = TargetProcess::Start();
  ASSERT_TRUE(target.ok()) << target.status();
  target_.emplace(*std::move(target));
  stub_ = NewStub(daemon_->address());
  // What it makes once, it has made then.
  for (int round = 0; round < 3; ++round) ASSERT_TRUE(Ask(*StubOfUser(round)).ok());
  ASSERT_TRUE(Ask(*stub_).ok());
  // Connections of these rounds have files open until they are closed.
  ASSERT_TRUE(AwaitConnections(1));
  files_before_ = daemon_->OpenFiles()->size();
  rss_before_ = *daemon_->RssBytes();
}

void CrowdTest::TearDown() {
  if (!daemon_.has_value() || stub_ == nullptr) return;
  EXPECT_TRUE(Ask(*stub_).ok());
  EXPECT_LE(SettledFiles(files_before_), files_before_);
  const uint64_t bound = DaemonProcess::RssBound(rss_before_ + kSlack);
  EXPECT_LE(SettledRss(bound), bound);
}

Fd CrowdTest::ConnectUser(int number) {
  absl::StatusOr<Fd> fd = ConnectAs(User(number), daemon_->socket());
  EXPECT_TRUE(fd.ok()) << fd.status();
  return fd.ok() ? *std::move(fd) : Fd();
}

std::unique_ptr<v1::PagemapService::Stub> CrowdTest::StubOfUser(int number) {
  return v1::PagemapService::NewStub(ChannelOn(ConnectUser(number)));
}

grpc::Status CrowdTest::Ask(v1::PagemapService::Stub& stub) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  v1::ListMappingsRequest request;
  request.mutable_process()->set_pid(getpid());
  request.set_max_mappings(3);
  v1::ListMappingsResponse response;
  return stub.ListMappings(&context, request, &response);
}

v1::GetStatisticsResponse CrowdTest::Statistics() {
  grpc::ClientContext context;
  v1::GetStatisticsResponse response;
  const grpc::Status status = stub_->GetStatistics(&context, {}, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response;
}

v1::QueryPagesRequest CrowdTest::LongQuery(int targets) {
  if (long_memory_ == 0) {
    absl::StatusOr<uint64_t> at =
        target_->Map(kLongPages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    EXPECT_TRUE(at.ok()) << at.status();
    std::vector<PageRun> some;
    for (uint64_t i = 0; i < kLongPages; i += 2) some.push_back({i, 1});
    EXPECT_TRUE(target_->Write(*at, some).ok());
    long_memory_ = *at;
  }
  v1::QueryPagesRequest request;
  request.set_view(v1::VIEW_PROCESS);
  request.set_format(v1::FORMAT_PACKED);
  for (int i = 0; i < targets; ++i)
    AddTarget(target_->pid(), {{long_memory_, kLongPages}}, &request);
  return request;
}

bool CrowdTest::AwaitConnections(uint32_t wanted) {
  for (int i = 0; i < 600; ++i) {
    if (Statistics().connections() == wanted) return true;
    absl::SleepFor(absl::Milliseconds(50));
  }
  return false;
}

size_t CrowdTest::SettledFiles(size_t wanted) {
  size_t now = daemon_->OpenFiles()->size();
  for (int i = 0; i < 600 && now > wanted; ++i) {
    absl::SleepFor(absl::Milliseconds(50));
    now = daemon_->OpenFiles()->size();
  }
  return now;
}

uint64_t CrowdTest::SettledRss(uint64_t wanted) {
  uint64_t now = *daemon_->RssBytes();
  for (int i = 0; i < 600 && now > wanted; ++i) {
    absl::SleepFor(absl::Milliseconds(50));
    now = *daemon_->RssBytes();
  }
  return now;
}

size_t CrowdTest::Threads() {
  return ReadField(absl::StrCat("/proc/", daemon_->pid(), "/status"), "Threads").value_or(0);
}

absl::StatusOr<absl::Duration> CrowdTest::AwaitEnd(const Fd& connection, absl::Time begin,
                                                   absl::Duration patience) {
  char buffer[4096];
  while (true) {
    const absl::Duration left = begin + patience - absl::Now();
    if (left < absl::ZeroDuration()) return absl::DeadlineExceededError("still connected");
    pollfd waiting = {connection.get(), POLLIN, 0};
    poll(&waiting, 1, absl::ToInt64Milliseconds(left) + 1);
    const ssize_t got = read(connection.get(), buffer, sizeof(buffer));
    if (got > 0 || (got < 0 && errno == EAGAIN)) continue;
    return absl::Now() - begin;
  }
}

}  // namespace pagemapd
