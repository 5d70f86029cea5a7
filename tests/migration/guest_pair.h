#ifndef PAGEMAPD_TESTS_MIGRATION_GUEST_PAIR_H_
#define PAGEMAPD_TESTS_MIGRATION_GUEST_PAIR_H_

#include <sys/types.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/migration/guest_memory.h"
#include "tests/testing/cgroup.h"
#include "tests/testing/qemu_process.h"

namespace pagemapd {

// Two QEMUs: a source, whose guest has written all its memory (guest.s), and a destination that
// waits for it. Not thread-safe.
class GuestPair {
 public:
  // What they have for firmware, each of which wants its own size of RAM.
  enum class Guest {
    // 1 GiB, and halts.
    kLarge,
    // 256 MiB, and halts.
    kSmall,
    // 256 MiB, and goes on reading the 32 MiB from 16 MiB on.
    kBusy,
  };

  static absl::StatusOr<GuestPair> Start(Guest guest);

  QemuProcess& source() { return source_; }
  QemuProcess& destination() { return destination_; }
  const GuestMemory& source_memory() const { return source_memory_; }
  const GuestMemory& destination_memory() const { return destination_memory_; }

  // What "migrate" of the source is given.
  std::string uri() const { return "unix:" + socket_; }

  // Migrates as fast as it can. Returns once that is done.
  absl::Status Migrate();

  // The same, but gives it up when half of the memory has been read. The source goes on; the
  // destination is no more.
  absl::Status MigrateAndCancel();

  // What is charged to the source's cgroup: its RAM, whoever brought it there.
  absl::StatusOr<uint64_t> SourceUsedBytes() const { return source_cgroup_.UsedBytes(); }

 private:
  GuestPair(Cgroup cgroup, QemuProcess source, QemuProcess destination, GuestMemory source_memory,
            GuestMemory destination_memory);

  std::string socket_;
  Cgroup source_cgroup_;
  QemuProcess source_;
  QemuProcess destination_;
  GuestMemory source_memory_;
  GuestMemory destination_memory_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_MIGRATION_GUEST_PAIR_H_
