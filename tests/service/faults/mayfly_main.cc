// Bears processes of a known shape by fork (mayfly_protocol.h), thousands a second: linked
// statically, and with next to no memory of its own.

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>

#include "tests/service/faults/mayfly_protocol.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21  // Linux 5.4.
#endif

namespace pagemapd {
namespace {

constexpr uint64_t kPage = 4096;
constexpr int kSharedFd = 5;

FlySlot* g_slots;

[[noreturn]] void Die(const char* what) {
  perror(what);
  _exit(1);
}

void* MapAt(uint64_t address, uint64_t pages, int flags, int fd) {
  void* at = mmap(reinterpret_cast<void*>(address), pages * kPage, PROT_READ | PROT_WRITE,
                  flags | MAP_FIXED, fd, 0);
  if (at == MAP_FAILED) Die("mmap");
  return at;
}

void WritePages(uint64_t address, uint64_t pages) {
  // Not zeros, which would not go out.
  for (uint64_t at = address; at < address + pages * kPage; at += kPage) {
    *reinterpret_cast<volatile uint64_t*>(at) = at | 1;
  }
}

uint64_t Marker(uint32_t serial) { return kFlyMarkers + kFlyMarkerBytes * serial; }

void MapMarker(uint32_t serial) {
  MapAt(Marker(serial), 1, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  WritePages(Marker(serial), 1);
}

void MapMemory() {
  MapAt(kFlyMemory, kFlyPages, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  WritePages(kFlyMemory, kFlyWrittenPages);
  MapAt(kFlyShared, kFlySharedPages, MAP_SHARED, kSharedFd);
}

// Whether a page of a range is in this process's page table.
bool AnyIsPresent(int pagemap, uint64_t address, uint64_t pages) {
  uint64_t entries[kFlySharedPages / 4];
  const ssize_t bytes = pages * sizeof(uint64_t);
  if (pread(pagemap, entries, bytes, address / kPage * sizeof(uint64_t)) != bytes) Die("pagemap");
  for (uint64_t i = 0; i < pages; ++i) {
    if (entries[i] >> 63 != 0) return true;
  }
  return false;
}

// In the mother alone: her children have it so by inheritance.
void PageOutSome() {
  constexpr uint64_t kMemory = kFlyMemory + kFlySwapped * kPage;
  constexpr uint64_t kShared = kFlyShared + kFlySharedPages / 4 * kPage;
  WritePages(kMemory, kFlySwappedPages);
  WritePages(kFlyShared, kFlySharedPages / 2);
  const int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  cpu_set_t allowed;
  if (pagemap < 0 || sched_getaffinity(0, sizeof(allowed), &allowed) != 0) Die("pagemap, affinity");
  for (int i = 0; i < 250; ++i) {
    // Pages that wait in a CPU's LRU batch do not go out, and MADV_PAGEOUT drains that of the CPU
    // which it runs on alone.
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (!CPU_ISSET(cpu, &allowed)) continue;
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(cpu, &one);
      sched_setaffinity(0, sizeof(one), &one);
      madvise(reinterpret_cast<void*>(kMemory), kFlySwappedPages * kPage, MADV_PAGEOUT);
      madvise(reinterpret_cast<void*>(kShared), kFlySharedPages / 4 * kPage, MADV_PAGEOUT);
    }
    if (!AnyIsPresent(pagemap, kMemory, kFlySwappedPages) &&
        !AnyIsPresent(pagemap, kShared, kFlySharedPages / 4)) {
      break;
    }
    usleep(20'000);
  }
  sched_setaffinity(0, sizeof(allowed), &allowed);
  close(pagemap);
}

// Leaves a few pages more or less mapped than before, so that it shows.
void Remap(uint32_t round) {
  const uint64_t address = kFlyMemory + kFlyRestless * kPage;
  const uint64_t pages = kFlySwapped - kFlyRestless;
  munmap(reinterpret_cast<void*>(address), pages * kPage);
  munmap(reinterpret_cast<void*>(kFlyShared), kFlySharedPages * kPage);
  MapAt(address, pages - round % 2 * 4, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  MapAt(kFlyShared, kFlySharedPages, MAP_SHARED, kSharedFd);
  WritePages(address, 8);
}

void DieWithParent(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);
}

// A burst of short-lived processes, three generations of them. The last child lives until the next
// burst.
void Fork(FlySlot* slot) {
  static pid_t last = 0;
  if (last > 0) kill(last, SIGKILL);
  const pid_t parent = getpid();
  for (int i = 0; i < 3; ++i) {
    const pid_t pid = fork();
    if (pid < 0) Die("fork");
    if (pid == 0) {
      DieWithParent(parent);
      const pid_t grandchild = i == 1 ? fork() : -1;
      if (grandchild == 0) WritePages(kFlyMemory, 4);
      if (grandchild > 0) waitpid(grandchild, nullptr, 0);
      while (i == 2) pause();
      _exit(0);
    }
    if (i < 2) {
      waitpid(pid, nullptr, 0);
      continue;
    }
    if (last > 0) waitpid(last, nullptr, 0);
    last = pid;
  }
  slot->child = last;
}

[[noreturn]] void Live(uint32_t serial, uint32_t slot_number) {
  FlySlot* slot = &g_slots[slot_number];
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {kFlyExec, kFlyRemap, kFlyFork}) sigaddset(&signals, signal);
  while (true) {
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal == kFlyRemap) Remap(slot->rounds);
    if (signal == kFlyFork) Fork(slot);
    if (signal == kFlyExec) {
      char next[16], number[16];
      snprintf(next, sizeof(next), "%u", serial + kFlyExecStep);
      snprintf(number, sizeof(number), "%u", slot_number);
      execl("/proc/self/exe", "mayfly", next, number, nullptr);
      Die("exec");
    }
    ++slot->rounds;
  }
}

void BecomeUser(uint32_t uid) {
  if (setgroups(0, nullptr) != 0 || setresgid(uid, uid, uid) != 0 ||
      setresuid(uid, uid, uid) != 0) {
    Die("setresuid");
  }
  prctl(PR_SET_DUMPABLE, 1);
}

// The marker is the mayfly's from its first moment on: its mother maps it, and unmaps it again.
Mayfly Bear(uint32_t slot, uint32_t uid) {
  static uint32_t last_serial = 0;
  const uint32_t serial = ++last_serial;
  const pid_t mother = getpid();
  MapMarker(serial);
  const pid_t pid = fork();
  if (pid == 0) {
    if (uid != 0) BecomeUser(uid);
    DieWithParent(mother);
    if (uid != 0) ++g_slots[slot].rounds;
    close(kFlySocket);
    Live(serial, slot);
  }
  munmap(reinterpret_cast<void*>(Marker(serial)), kPage);
  return {pid, serial, slot};
}

void Kill(pid_t pid) {
  kill(pid, SIGKILL);
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// The kernel gives pids out in ascending order, from one after the last: say which that was. Others
// may come between, so again until the pid is there.
Mayfly Rebear(pid_t pid, uint32_t slot, uint32_t uid) {
  Kill(pid);
  for (int attempt = 0; attempt < 1000; ++attempt) {
    char last[16];
    const int size = snprintf(last, sizeof(last), "%d", pid - 1);
    const int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, last, size) != size) Die("ns_last_pid");
    close(fd);
    const Mayfly born = Bear(slot, uid);
    if (born.pid < 0 || born.pid == pid) return born;
    Kill(born.pid);
  }
  errno = EAGAIN;
  return {-1, 0, 0};
}

FlyReply Serve(const FlyRequest& request) {
  FlyReply reply;
  switch (request.op) {
    case FlyOp::kBear:
      for (; reply.count < request.count; ++reply.count) {
        const Mayfly born = Bear((request.slot + reply.count) % kFlySlots, request.uid);
        if (born.pid < 0) break;
        reply.flies[reply.count] = born;
      }
      break;
    case FlyOp::kReap:
      while (waitpid(-1, nullptr, WNOHANG) > 0) ++reply.count;
      return reply;
    case FlyOp::kRebear:
      reply.flies[0] = Rebear(request.pid, request.slot, request.uid);
      reply.count = reply.flies[0].pid > 0;
      break;
  }
  if (reply.count == 0) reply.error = errno;
  return reply;
}

int Run(int argc, char** argv) {
  g_slots = static_cast<FlySlot*>(mmap(nullptr, kFlySlots * sizeof(FlySlot), PROT_READ | PROT_WRITE,
                                       MAP_SHARED, kFlySlotsFd, 0));
  if (g_slots == MAP_FAILED) Die("mmap of the slots");
  if (argc == 3) {
    const uint32_t serial = strtoul(argv[1], nullptr, 10);
    const uint32_t slot = strtoul(argv[2], nullptr, 10);
    // A set-user-ID program has lost it (prctl(2)).
    DieWithParent(getppid());
    // First: it tells whose the rest is.
    MapMarker(serial);
    MapMemory();
    ++g_slots[slot].rounds;
    Live(serial, slot);
  }
  if (argc == 2) signal(SIGCHLD, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {kFlyExec, kFlyRemap, kFlyFork}) sigaddset(&signals, signal);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  const int shared = memfd_create("mayflies", 0);
  if (shared != kSharedFd && dup2(shared, kSharedFd) < 0) Die("memfd_create");
  if (shared != kSharedFd) close(shared);
  if (ftruncate(kSharedFd, kFlySharedPages * kPage) != 0) Die("ftruncate");
  MapMemory();
  PageOutSome();
  FlyRequest request;
  while (recv(kFlySocket, &request, sizeof(request), 0) == sizeof(request)) {
    const FlyReply reply = Serve(request);
    if (send(kFlySocket, &reply, sizeof(reply), MSG_NOSIGNAL) != sizeof(reply)) break;
  }
  return 0;
}

}  // namespace
}  // namespace pagemapd

int main(int argc, char** argv) { return pagemapd::Run(argc, argv); }
