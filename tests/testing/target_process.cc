#include "tests/testing/target_process.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "tests/testing/runfile.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

absl::Status SocketPair(Fd* ours, Fd* theirs) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return ErrnoError("socketpair");
  }
  *ours = Fd(ends[0]);
  *theirs = Fd(ends[1]);
  return absl::OkStatus();
}

absl::Status Transfer(int socket, void* data, size_t bytes, bool out) {
  char* next = static_cast<char*>(data);
  while (bytes > 0) {
    ssize_t done = out ? send(socket, next, bytes, MSG_NOSIGNAL) : recv(socket, next, bytes, 0);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return ErrnoError("talk to the target");
    if (done == 0) return absl::UnavailableError("the target is gone");
    next += done;
    bytes -= done;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TargetProcess> TargetProcess::Start() {
  Fd ours, theirs, child_ours, child_theirs;
  if (absl::Status s = SocketPair(&ours, &theirs); !s.ok()) return s;
  if (absl::Status s = SocketPair(&child_ours, &child_theirs); !s.ok()) return s;
  Subprocess::Options options;
  options.argv = {Program()};
  options.fds = {{theirs.get(), kTargetSocket}, {child_theirs.get(), kChildSocket}};
  absl::StatusOr<Subprocess> process = Subprocess::Start(options);
  if (!process.ok()) return process.status();
  TargetProcess target(process->pid(), std::move(ours));
  target.child_socket_ = std::move(child_ours);
  target.process_ = *std::move(process);
  // Answers once it runs, so that its mappings are those of the program and not of this one.
  if (absl::StatusOr<int64_t> pid = target.Syscall(SYS_getpid, {}); !pid.ok()) return pid.status();
  return target;
}

absl::Status TargetProcess::Send(TargetRequest request, const void* payload, size_t bytes) const {
  request.payload_bytes = bytes;
  if (absl::Status s = Transfer(socket_.get(), &request, sizeof(request), true); !s.ok()) return s;
  return Transfer(socket_.get(), const_cast<void*>(payload), bytes, true);
}

absl::StatusOr<int64_t> TargetProcess::Receive() const {
  TargetReply reply;
  if (absl::Status s = Transfer(socket_.get(), &reply, sizeof(reply), false); !s.ok()) return s;
  if (reply.error != 0) return absl::ErrnoToStatus(reply.error, "in the target");
  return reply.result;
}

absl::StatusOr<int64_t> TargetProcess::Ask(const TargetRequest& request, const void* payload,
                                           size_t bytes) const {
  if (absl::Status s = Send(request, payload, bytes); !s.ok()) return s;
  return Receive();
}

absl::StatusOr<int64_t> TargetProcess::Syscall(int64_t number, std::vector<uint64_t> args) const {
  return SyscallWithText(number, std::move(args), "");
}

absl::StatusOr<int64_t> TargetProcess::SyscallWithText(int64_t number, std::vector<uint64_t> args,
                                                       absl::string_view text) const {
  if (args.size() > 6) return absl::InvalidArgumentError("more than 6 arguments");
  TargetRequest request = {TargetOp::kSyscall};
  request.args[0] = number;
  for (size_t i = 0; i < args.size(); ++i) request.args[i + 1] = args[i];
  std::string payload(text);
  return Ask(request, payload.c_str(), payload.size() + 1);
}

absl::StatusOr<uint64_t> TargetProcess::Map(uint64_t bytes, int protection, int flags, int fd,
                                            uint64_t offset) const {
  absl::StatusOr<int64_t> at =
      Syscall(SYS_mmap, {0, bytes, static_cast<uint64_t>(protection), static_cast<uint64_t>(flags),
                         static_cast<uint64_t>(fd), offset});
  if (!at.ok()) return at.status();
  return static_cast<uint64_t>(*at);
}

absl::Status TargetProcess::AskRuns(TargetOp op, uint64_t base, absl::Span<const PageRun> runs,
                                    uint64_t advice) const {
  TargetRequest request = {op};
  request.args[0] = base;
  request.args[1] = advice;
  return Ask(request, runs.data(), runs.size() * sizeof(PageRun)).status();
}

absl::Status TargetProcess::Write(uint64_t base, absl::Span<const PageRun> runs) const {
  return AskRuns(TargetOp::kWrite, base, runs, 0);
}

absl::Status TargetProcess::Read(uint64_t base, absl::Span<const PageRun> runs) const {
  return AskRuns(TargetOp::kRead, base, runs, 0);
}

absl::Status TargetProcess::Advise(uint64_t base, absl::Span<const PageRun> runs,
                                   int advice) const {
  return AskRuns(TargetOp::kAdvise, base, runs, advice);
}

absl::StatusOr<TargetProcess> TargetProcess::Fork() {
  if (!child_socket_) return absl::FailedPreconditionError("forked already");
  absl::StatusOr<int64_t> pid = Ask({TargetOp::kFork});
  if (!pid.ok()) return pid.status();
  TargetProcess child(*pid, std::move(child_socket_));
  if (absl::StatusOr<int64_t> ready = child.Syscall(SYS_getpid, {}); !ready.ok()) {
    return ready.status();
  }
  return child;
}

absl::StatusOr<pid_t> TargetProcess::MakeZombie() const {
  absl::StatusOr<int64_t> pid = Ask({TargetOp::kZombie});
  if (!pid.ok()) return pid.status();
  return static_cast<pid_t>(*pid);
}

absl::Status TargetProcess::StartChurn() const { return Send({TargetOp::kChurn}, nullptr, 0); }

absl::StatusOr<int64_t> TargetProcess::StopChurn() const {
  TargetRequest nudge = {TargetOp::kSyscall};
  nudge.args[0] = SYS_getpid;
  if (absl::Status s = Send(nudge, nullptr, 0); !s.ok()) return s;
  absl::StatusOr<int64_t> rounds = Receive();
  if (absl::StatusOr<int64_t> pid = Receive(); !pid.ok()) return pid.status();
  return rounds;
}

std::string TargetProcess::Program() { return Runfile("tests/testing/target"); }

absl::Status TargetProcess::Exec(const std::string& path) const {
  // Asks for something afterwards, as the new program's first sign of life.
  const size_t bytes = path.empty() ? 0 : path.size() + 1;
  if (absl::Status s = Send({TargetOp::kExec}, path.c_str(), bytes); !s.ok()) return s;
  return Syscall(SYS_getpid, {}).status();
}

absl::Status TargetProcess::Become(const Identity& who) const {
  const absl::string_view groups(reinterpret_cast<const char*>(who.groups.data()),
                                 who.groups.size() * sizeof(gid_t));
  absl::StatusOr<int64_t> done =
      SyscallWithText(SYS_setgroups, {who.groups.size(), kPayloadArg}, groups);
  if (done.ok()) done = Syscall(SYS_setresgid, {who.gid, who.gid, who.gid});
  if (done.ok()) done = Syscall(SYS_setresuid, {who.uid, who.uid, who.uid});
  // A change of ids takes both away (prctl(2)).
  if (done.ok()) done = Syscall(SYS_prctl, {PR_SET_DUMPABLE, 1});
  if (done.ok()) done = Syscall(SYS_prctl, {PR_SET_PDEATHSIG, SIGKILL});
  return done.status();
}

absl::StatusOr<Fd> TargetProcess::BorrowFd(int fd) const {
  Fd pidfd(syscall(SYS_pidfd_open, pid_, 0));
  if (!pidfd) return ErrnoError("pidfd_open");
  Fd borrowed(syscall(SYS_pidfd_getfd, pidfd.get(), fd, 0));
  if (!borrowed) return ErrnoError(absl::StrCat("pidfd_getfd of ", fd));
  return borrowed;
}

void TargetProcess::Kill() {
  process_.reset();
  socket_.Close();
}

}  // namespace pagemapd
