#include "tests/service/faults/mayfly_brood.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/testing/runfile.h"
#include "tests/testing/text_file.h"

namespace pagemapd {

absl::StatusOr<Brood> Brood::Start(Dead dead, const std::string& program) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return ErrnoError("socketpair");
  }
  Fd ours(ends[0]), theirs(ends[1]);
  Fd memory(memfd_create("mayfly-slots", MFD_CLOEXEC));
  constexpr size_t kBytes = kFlySlots * sizeof(FlySlot);
  if (!memory || ftruncate(memory.get(), kBytes) != 0) return ErrnoError("memfd_create");
  void* slots = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  if (slots == MAP_FAILED) return ErrnoError("mmap");
  Subprocess::Options options;
  options.argv = {program};
  if (dead == Dead::kVanish) options.argv.push_back("vanish");
  options.fds = {{theirs.get(), kFlySocket}, {memory.get(), kFlySlotsFd}};
  absl::StatusOr<Subprocess> process = Subprocess::Start(options);
  if (!process.ok()) {
    munmap(slots, kBytes);
    return process.status();
  }
  return Brood(std::move(ours), static_cast<FlySlot*>(slots), *std::move(process));
}

std::string Brood::Program() { return Runfile("tests/service/faults/mayfly"); }

Brood::~Brood() {
  if (slots_ != nullptr) munmap(slots_, kFlySlots * sizeof(FlySlot));
}

absl::StatusOr<FlyReply> Brood::Ask(const FlyRequest& request) const {
  if (send(socket_.get(), &request, sizeof(request), MSG_NOSIGNAL) != sizeof(request)) {
    return ErrnoError("ask for mayflies");
  }
  FlyReply reply;
  ssize_t got;
  do {
    got = recv(socket_.get(), &reply, sizeof(reply), 0);
  } while (got < 0 && errno == EINTR);
  if (got != sizeof(reply)) return absl::UnavailableError("the mayflies' mother is gone");
  if (reply.error != 0) return absl::ErrnoToStatus(reply.error, "mayfly");
  return reply;
}

absl::StatusOr<std::vector<Mayfly>> Brood::Bear(uint32_t count, uint32_t slot, uint32_t uid) const {
  absl::StatusOr<FlyReply> reply = Ask({FlyOp::kBear, 0, count, slot, uid});
  if (!reply.ok()) return reply.status();
  if (reply->count != count) {
    return absl::ResourceExhaustedError(absl::StrCat(reply->count, " of ", count, " mayflies"));
  }
  return std::vector<Mayfly>(reply->flies, reply->flies + count);
}

absl::Status Brood::Reap() const { return Ask({FlyOp::kReap}).status(); }

absl::StatusOr<Mayfly> Brood::Rebear(const Mayfly& fly, uint32_t uid) const {
  absl::StatusOr<FlyReply> reply = Ask({FlyOp::kRebear, fly.pid, 1, fly.slot, uid});
  if (!reply.ok()) return reply.status();
  return reply->flies[0];
}

void Brood::Poke(const Mayfly& fly, int signal) const { kill(fly.pid, signal); }

absl::Status Brood::AwaitRounds(const Mayfly& fly, uint32_t rounds) const {
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  while (Rounds(fly) < rounds) {
    if (absl::Now() > deadline) {
      return absl::DeadlineExceededError(
          absl::StrCat("pid ", fly.pid, ": ", Rounds(fly), " of ", rounds, " rounds"));
    }
    absl::SleepFor(absl::Microseconds(20));
  }
  return absl::OkStatus();
}

}  // namespace pagemapd
