#ifndef PAGEMAPD_TESTS_SERVICE_FAULTS_MAYFLY_BROOD_H_
#define PAGEMAPD_TESTS_SERVICE_FAULTS_MAYFLY_BROOD_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/service/faults/mayfly_protocol.h"
#include "tests/testing/fd.h"
#include "tests/testing/subprocess.h"

namespace pagemapd {

// A process that bears mayflies (mayfly_protocol.h). All end with this object, and with the thread
// that started it. Not thread-safe.
class Brood {
 public:
  // What becomes of those that are killed: they stay, as zombies, until Reap; or are gone at once.
  enum class Dead { kStay, kVanish };

  // Their memory is swapped out, in part, to what swap there is. `program`: a copy of Program(), if
  // it is not to be that itself.
  static absl::StatusOr<Brood> Start(Dead dead, const std::string& program = Program());
  // Path of the program that they are.
  static std::string Program();

  Brood(Brood&& other) noexcept
      : socket_(std::move(other.socket_)),
        slots_(std::exchange(other.slots_, nullptr)),
        process_(std::move(other.process_)) {}
  ~Brood();

  // `count` of them, 256 at most. The first has `slot`, the next the next, after the last the
  // first.
  // Where a `uid` is given, they become that user's, and count a round when they have.
  absl::StatusOr<std::vector<Mayfly>> Bear(uint32_t count, uint32_t slot = 0,
                                           uint32_t uid = 0) const;

  // The dead that stayed.
  absl::Status Reap() const;

  // Kills a mayfly and makes another of the same pid. Only with kStay.
  absl::StatusOr<Mayfly> Rebear(const Mayfly& fly, uint32_t uid = 0) const;

  // Sends kFlyExec, kFlyRemap or kFlyFork.
  void Poke(const Mayfly& fly, int signal) const;
  // Waits until the mayfly with this slot has dealt with `rounds` signals since there are slots. An
  // exec counts when the new program is there.
  absl::Status AwaitRounds(const Mayfly& fly, uint32_t rounds) const;
  uint32_t Rounds(const Mayfly& fly) const { return slots_[fly.slot].rounds; }
  // The process that it forked last, alive until the next kFlyFork; 0 if none.
  int32_t ChildOf(const Mayfly& fly) const { return slots_[fly.slot].child; }

 private:
  Brood(Fd socket, FlySlot* slots, Subprocess process)
      : socket_(std::move(socket)), slots_(slots), process_(std::move(process)) {}

  absl::StatusOr<FlyReply> Ask(const FlyRequest& request) const;

  Fd socket_;
  FlySlot* slots_;
  Subprocess process_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_SERVICE_FAULTS_MAYFLY_BROOD_H_
