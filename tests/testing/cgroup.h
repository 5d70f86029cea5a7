#ifndef PAGEMAPD_TESTS_TESTING_CGROUP_H_
#define PAGEMAPD_TESTS_TESTING_CGROUP_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/testing/undo_entry.h"

namespace pagemapd {

// A memory cgroup of its own, below this process's or else the root, v1 or v2. Gone with this
// object, together with the processes still in it.
class Cgroup {
 public:
  static absl::StatusOr<Cgroup> Create();

  // Moves a process in. What it allocated before stays charged where it was.
  absl::Status Add(pid_t pid) const;

  // What the group's processes have allocated and nobody has freed, objects included.
  absl::StatusOr<uint64_t> UsedBytes() const;

  // Makes the kernel reclaim `bytes` of the group's memory, or what it can of that. The first to go
  // are pages whose write to swap has ended: copies in the swap cache.
  absl::Status Reclaim(uint64_t bytes) const;

  // All that can be reclaimed.
  absl::Status ReclaimAll() const;

 private:
  Cgroup(std::string path, bool v2, UndoEntry undo)
      : path_(std::move(path)), v2_(v2), undo_(std::move(undo)) {}

  std::string path_;
  bool v2_;
  UndoEntry undo_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_TESTING_CGROUP_H_
