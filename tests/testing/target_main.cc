// A process whose memory a test shapes from outside (target_process.h). It does nothing on its own,
// so that between two requests its memory stays as it is.

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "tests/testing/target_protocol.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPageBytes = 4096;

int g_socket = kTargetSocket;

bool ReadFull(void* buffer, size_t bytes) {
  char* next = static_cast<char*>(buffer);
  while (bytes > 0) {
    ssize_t got = read(g_socket, next, bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    next += got;
    bytes -= got;
  }
  return true;
}

TargetReply Call(const TargetRequest& request, const char* payload) {
  uint64_t args[7];
  for (int i = 0; i < 7; ++i) {
    args[i] =
        request.args[i] == kPayloadArg ? reinterpret_cast<uint64_t>(payload) : request.args[i];
  }
  long result = syscall(args[0], args[1], args[2], args[3], args[4], args[5], args[6]);
  return {result, result == -1 ? errno : 0};
}

TargetReply OnRuns(const TargetRequest& request, const PageRun* runs, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    uint64_t begin = request.args[0] + runs[i].first * kPageBytes;
    uint64_t bytes = runs[i].pages * kPageBytes;
    if (request.op == TargetOp::kAdvise) {
      if (madvise(reinterpret_cast<void*>(begin), bytes, request.args[1]) != 0) return {-1, errno};
      continue;
    }
    for (uint64_t at = begin; at < begin + bytes; at += kPageBytes) {
      auto* word = reinterpret_cast<volatile uint64_t*>(at);
      if (request.op == TargetOp::kWrite) {
        *word = WordAt(at);
      } else {
        static_cast<void>(*word);
      }
    }
  }
  return {0, 0};
}

TargetReply Fork() {
  pid_t parent = getpid();
  pid_t pid = fork();
  if (pid != 0) return {pid, pid < 0 ? errno : 0};
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);
  g_socket = kChildSocket;
  return {0, -1};
}

TargetReply Zombie() {
  pid_t pid = fork();
  if (pid == 0) _exit(0);
  if (pid < 0) return {pid, errno};
  siginfo_t info;
  waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
  return {pid, 0};
}

TargetReply Churn() {
  pollfd wanted = {g_socket, POLLIN, 0};
  int64_t rounds = 0;
  while (poll(&wanted, 1, 0) == 0) {
    for (int pages = 1; pages <= 64; pages *= 4) {
      void* at = mmap(nullptr, pages * kPageBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (at == MAP_FAILED) return {-1, errno};
      memset(at, 1, pages * kPageBytes);
      madvise(at, pages * kPageBytes, MADV_DONTNEED);
      munmap(at, pages * kPageBytes);
    }
    ++rounds;
  }
  return {rounds, 0};
}

int Serve() {
  std::vector<char> payload;
  TargetRequest request;
  while (ReadFull(&request, sizeof(request))) {
    payload.resize(request.payload_bytes);
    if (!ReadFull(payload.data(), payload.size())) break;
    TargetReply reply;
    switch (request.op) {
      case TargetOp::kSyscall:
        reply = Call(request, payload.data());
        break;
      case TargetOp::kWrite:
      case TargetOp::kRead:
      case TargetOp::kAdvise:
        reply = OnRuns(request, reinterpret_cast<const PageRun*>(payload.data()),
                       payload.size() / sizeof(PageRun));
        break;
      case TargetOp::kFork:
        reply = Fork();
        // The child owes no reply.
        if (reply.error == -1) continue;
        break;
      case TargetOp::kZombie:
        reply = Zombie();
        break;
      case TargetOp::kChurn:
        reply = Churn();
        break;
      case TargetOp::kExec:
        execl(payload.empty() ? "/proc/self/exe" : payload.data(), "target", nullptr);
        reply = {-1, errno};
        break;
    }
    if (write(g_socket, &reply, sizeof(reply)) != sizeof(reply)) break;
  }
  return 0;
}

}  // namespace
}  // namespace pagemapd

int main() {
  signal(SIGPIPE, SIG_IGN);
  return pagemapd::Serve();
}
