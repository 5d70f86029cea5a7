// Ways to be taken for somebody else, or to have somebody else's process taken for one's own. Each
// gets nothing.

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tests/service/access/access_cast.h"
#include "tests/service/faults/mayfly_brood.h"
#include "tests/service/faults/storm_client.h"
#include "tests/testing/caller.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/fd.h"
#include "tests/testing/swap_device.h"
#include "tests/testing/target_process.h"
#include "tests/testing/text_file.h"
#include "tests/testing/undo_entry.h"

namespace pagemapd {
namespace {

const Identity kNobodyAlone = {kNobody, kNobody};

// Sends a descriptor over a socket, and receives one.
absl::Status SendFd(int socket, int fd) {
  char byte = 0;
  iovec data = {&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &fd, sizeof(fd));
  return sendmsg(socket, &message, 0) == 1 ? absl::OkStatus() : ErrnoError("sendmsg");
}

absl::StatusOr<Fd> ReceiveFd(int socket) {
  char byte;
  iovec data = {&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1) return ErrnoError("recvmsg");
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr) return absl::DataLossError("no descriptor came");
  int fd;
  memcpy(&fd, CMSG_DATA(header), sizeof(fd));
  return Fd(fd);
}

// Makes a process connect by itself: the connection, which it keeps too.
absl::StatusOr<Fd> ConnectFrom(const TargetProcess& process, const std::string& path) {
  absl::StatusOr<int64_t> fd = process.Syscall(SYS_socket, {AF_UNIX, SOCK_STREAM, 0});
  if (!fd.ok()) return fd.status();
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const absl::string_view bytes(reinterpret_cast<const char*>(&address), sizeof(address));
  absl::StatusOr<int64_t> done = process.SyscallWithText(
      SYS_connect, {static_cast<uint64_t>(*fd), kPayloadArg, bytes.size()}, bytes);
  if (done.ok()) {
    done = process.Syscall(SYS_fcntl, {static_cast<uint64_t>(*fd), F_SETFL, O_NONBLOCK});
  }
  if (!done.ok()) return done.status();
  return process.BorrowFd(static_cast<int>(*fd));
}

class ForgedTest : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<SwapDevice> device = SwapDevice::Create(256 << 20);
    ASSERT_TRUE(device.ok()) << device.status();
    device_.emplace(*std::move(device));
    absl::StatusOr<DaemonProcess> daemon = DaemonProcess::Start({"--log-level", "error"});
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    daemon_.emplace(*std::move(daemon));
    ASSERT_TRUE(daemon_->OpenToAll().ok());
    absl::StatusOr<TargetProcess> roots = TargetProcess::Start();
    ASSERT_TRUE(roots.ok()) << roots.status();
    roots_.emplace(*std::move(roots));
  }

  // A connection is known as `uid`'s, and gets nothing of root's.
  void CheckIsUsers(Fd connection, uid_t uid) {
    const auto stub = v1::PagemapService::NewStub(ChannelOn(std::move(connection)));
    grpc::ClientContext context;
    v1::GetCapabilitiesResponse capabilities;
    const grpc::Status status = stub->GetCapabilities(&context, {}, &capabilities);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(capabilities.caller().uid(), uid);
    const auto expected = uid == 0 ? grpc::StatusCode::OK : grpc::StatusCode::PERMISSION_DENIED;
    std::vector<int> pids = {roots_->pid(), getpid()};
    // Which the kernel may keep from root as well.
    if (uid != 0) pids.push_back(1);
    for (const int pid : pids) EXPECT_EQ(MappingsOf(*stub, pid), expected) << pid;
  }

  static grpc::StatusCode MappingsOf(v1::PagemapService::Stub& stub, int pid) {
    grpc::ClientContext context;
    v1::ListMappingsRequest request;
    request.mutable_process()->set_pid(pid);
    v1::ListMappingsResponse response;
    const grpc::StatusCode code = stub.ListMappings(&context, request, &response).error_code();
    EXPECT_EQ(response.mappings_size() > 0, code == grpc::StatusCode::OK);
    return code;
  }

  // A copy of a program that runs as root whoever executes it.
  absl::StatusOr<std::string> SetuidCopy(const std::string& program) {
    char directory[] = "/tmp/pagemapd-test-XXXXXX";
    if (mkdtemp(directory) == nullptr) return ErrnoError("mkdtemp");
    absl::StatusOr<UndoEntry> undo = UndoEntry::Register({"rmtree", directory});
    if (!undo.ok()) return undo.status();
    undo_copy_ = *std::move(undo);
    const std::string path = absl::StrCat(directory, "/program");
    std::error_code error;
    std::filesystem::copy_file(program, path, error);
    if (error) return absl::UnknownError(error.message());
    if (chmod(path.c_str(), 04755) != 0 || chmod(directory, 0711) != 0) return ErrnoError("chmod");
    return path;
  }

  // What became of questions.
  std::array<uint32_t, kEndings> endings_ = {};
  void PrintEndings(const char* name, int rounds) {
    printf("[ figure ] %s: %d rounds:", name, rounds);
    for (size_t i = 0; i < kEndings; ++i) {
      if (endings_[i] > 0) printf(" %s %u", Name(static_cast<Ending>(i)), endings_[i]);
    }
    printf("\n");
  }
  uint32_t EndedBy(Ending ending) const { return endings_[static_cast<size_t>(ending)]; }

  std::optional<SwapDevice> device_;
  std::optional<DaemonProcess> daemon_;
  // A process of root's.
  std::optional<TargetProcess> roots_;
  UndoEntry undo_copy_;
};

TEST_F(ForgedTest, AConnectionIsItsMakersWhoeverHasIt) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  const Fd giver(ends[0]), taker(ends[1]);
  const Identity identities[] = {{0, 0}, kNobodyAlone, {kOther, kOther}};
  for (const Identity& maker : identities) {
    for (const Identity& user : identities) {
      SCOPED_TRACE(absl::StrCat("made by ", maker.uid, ", used by ", user.uid));
      absl::Status given = ActAs(maker, [&] {
        absl::StatusOr<Fd> fd = Connect(daemon_->socket());
        return fd.ok() ? SendFd(giver.get(), fd->get()) : fd.status();
      });
      ASSERT_TRUE(given.ok()) << given;
      absl::StatusOr<Fd> fd;
      absl::Status taken = ActAs(user, [&] {
        fd = ReceiveFd(taker.get());
        return fd.status();
      });
      ASSERT_TRUE(taken.ok()) << taken;
      CheckIsUsers(*std::move(fd), maker.uid);
    }
  }
}

TEST_F(ForgedTest, ACallerThatBecomesRoot) {
  absl::StatusOr<std::string> program = SetuidCopy(TargetProcess::Program());
  ASSERT_TRUE(program.ok()) << program.status();
  absl::StatusOr<TargetProcess> process = TargetProcess::Start();
  ASSERT_TRUE(process.ok() && process->Become(kNobodyAlone).ok());
  absl::StatusOr<Fd> fd = ConnectFrom(*process, daemon_->socket());
  ASSERT_TRUE(fd.ok()) << fd.status();
  const absl::Status execed = process->Exec(*program);
  ASSERT_TRUE(execed.ok()) << execed;
  ASSERT_EQ(process->Syscall(SYS_geteuid, {}).value_or(-1), 0);
  CheckIsUsers(*std::move(fd), kNobody);
  // What it connects to as root is root's.
  fd = ConnectFrom(*process, daemon_->socket());
  ASSERT_TRUE(fd.ok()) << fd.status();
  CheckIsUsers(*std::move(fd), 0);
}

TEST_F(ForgedTest, RootOfAUserNamespace) {
  for (const uid_t uid : {kNobody, kOther}) {
    absl::StatusOr<TargetProcess> process = TargetProcess::Start();
    ASSERT_TRUE(process.ok() && process->Become({uid, uid}).ok());
    absl::StatusOr<int64_t> done = process->Syscall(SYS_unshare, {CLONE_NEWUSER});
    ASSERT_TRUE(done.ok()) << done.status();
    // Before it is anybody in there.
    absl::StatusOr<Fd> fd = ConnectFrom(*process, daemon_->socket());
    ASSERT_TRUE(fd.ok()) << fd.status();
    CheckIsUsers(*std::move(fd), uid);
    const std::string proc = absl::StrCat("/proc/", process->pid());
    ASSERT_TRUE(WriteText(proc + "/uid_map", absl::StrCat("0 ", uid, " 1")).ok());
    ASSERT_TRUE(WriteText(proc + "/gid_map", absl::StrCat("0 ", uid, " 1")).ok());
    done = process->Syscall(SYS_setresuid, {0, 0, 0});
    ASSERT_TRUE(done.ok()) << done.status();
    ASSERT_EQ(process->Syscall(SYS_geteuid, {}).value_or(-1), 0);
    fd = ConnectFrom(*process, daemon_->socket());
    ASSERT_TRUE(fd.ok()) << fd.status();
    CheckIsUsers(*std::move(fd), uid);
  }
}

TEST_F(ForgedTest, ATargetThatBecomesRoot) {
  constexpr int kRounds = 1000, kBorn = 50;
  absl::StatusOr<std::string> program = SetuidCopy(Brood::Program());
  ASSERT_TRUE(program.ok()) << program.status();
  absl::StatusOr<Brood> brood = Brood::Start(Brood::Dead::kStay, *program);
  ASSERT_TRUE(brood.ok()) << brood.status();
  auto stub = NewStubAs(kNobodyAlone, daemon_->socket());
  ASSERT_TRUE(stub.ok()) << stub.status();
  StormClient client(*std::move(stub), 1);
  std::vector<Mayfly> flies;
  for (int round = 0; round < kRounds && !HasFailure(); ++round) {
    if (round % kBorn == 0) {
      std::vector<uint32_t> before;
      for (const Mayfly& fly : flies) kill(fly.pid, SIGKILL);
      ASSERT_TRUE(brood->Reap().ok());
      for (uint32_t slot = 0; slot < kBorn; ++slot) before.push_back(brood->Rounds({0, 0, slot}));
      absl::StatusOr<std::vector<Mayfly>> born = brood->Bear(kBorn, 0, kNobody);
      ASSERT_TRUE(born.ok()) << born.status();
      flies = *std::move(born);
      for (int i = 0; i < kBorn; ++i) ASSERT_TRUE(brood->AwaitRounds(flies[i], before[i] + 1).ok());
    }
    const Mayfly& fly = flies[round % kBorn];
    const auto question = StormClient::Nth(round, 1);
    const uint32_t before = brood->Rounds(fly);
    const Sight sight = client.Ask(question, fly, 0, [&] { brood->Poke(fly, kFlyExec); });
    ASSERT_TRUE(brood->AwaitRounds(fly, before + 1).ok());
    ++endings_[static_cast<size_t>(sight.ending)];
    EXPECT_TRUE(sight.ending == Ending::kAnswered || sight.ending == Ending::kExeced ||
                sight.ending == Ending::kDenied)
        << Name(sight.ending) << ": " << sight.detail;
    EXPECT_EQ(sight.serials.count(fly.serial + kFlyExecStep), 0u) << "round " << round;
    const Sight after = client.Ask(question, fly, 0, [] {});
    EXPECT_EQ(after.ending, Ending::kDenied) << after.detail;
    EXPECT_TRUE(after.serials.empty());
  }
  PrintEndings("targets that execute a set-user-ID program", kRounds);
  EXPECT_GT(EndedBy(Ending::kAnswered), 0u);
  EXPECT_GT(EndedBy(Ending::kExeced), 0u);
  for (const Mayfly& fly : flies) kill(fly.pid, SIGKILL);
}

TEST_F(ForgedTest, APidThatGoesToRoot) {
  constexpr int kRounds = 500, kFlies = 20;
  // Pids go on from where they were.
  absl::StatusOr<std::string> last = ReadText("/proc/sys/kernel/ns_last_pid");
  ASSERT_TRUE(last.ok()) << last.status();
  absl::StatusOr<UndoEntry> undo = UndoEntry::Register(
      {"write", "/proc/sys/kernel/ns_last_pid", last->substr(0, last->find('\n'))});
  ASSERT_TRUE(undo.ok()) << undo.status();
  absl::StatusOr<Brood> brood = Brood::Start(Brood::Dead::kStay);
  ASSERT_TRUE(brood.ok()) << brood.status();
  auto stub = NewStubAs(kNobodyAlone, daemon_->socket());
  ASSERT_TRUE(stub.ok()) << stub.status();
  StormClient client(*std::move(stub), 2);
  int rounds = 0;
  while (rounds < kRounds && !HasFailure()) {
    std::vector<uint32_t> before;
    for (uint32_t slot = 0; slot < kFlies; ++slot) before.push_back(brood->Rounds({0, 0, slot}));
    absl::StatusOr<std::vector<Mayfly>> born = brood->Bear(kFlies, 0, kNobody);
    ASSERT_TRUE(born.ok()) << born.status();
    for (int i = 0; i < kFlies; ++i) {
      const Mayfly first = (*born)[i];
      ASSERT_TRUE(brood->AwaitRounds(first, before[i] + 1).ok());
      const auto question = StormClient::Nth(rounds, 1);
      absl::StatusOr<Mayfly> second = absl::UnknownError("not made");
      const Sight sight = client.Ask(question, first, 0, [&] { second = brood->Rebear(first); });
      // A process of somebody else's may have been born with the pid.
      if (absl::IsUnavailable(second.status())) continue;
      ASSERT_TRUE(second.ok()) << second.status();
      ++rounds;
      ++endings_[static_cast<size_t>(sight.ending)];
      EXPECT_EQ(sight.serials.count(second->serial), 0u) << "round " << rounds;
      EXPECT_TRUE(sight.ending != Ending::kOther) << sight.detail;
      const Sight after = client.Ask(question, *second, 0, [] {});
      EXPECT_EQ(after.ending, Ending::kDenied) << after.detail;
      EXPECT_TRUE(after.serials.empty());
      kill(second->pid, SIGKILL);
    }
    ASSERT_TRUE(brood->Reap().ok());
  }
  PrintEndings("pids that go to root's processes", rounds);
  EXPECT_GT(EndedBy(Ending::kAnswered), 0u);
}

}  // namespace
}  // namespace pagemapd
