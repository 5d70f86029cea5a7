#ifndef PAGEMAPD_TESTS_TESTING_TMPFS_MOUNT_H_
#define PAGEMAPD_TESTS_TESTING_TMPFS_MOUNT_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/testing/memory_region.h"
#include "tests/testing/target_process.h"
#include "tests/testing/undo_entry.h"

namespace pagemapd {

// A tmpfs of a test's own. Gone with this object, after the last file of it is closed and unmapped,
// or with the test.
class TmpfsMount {
 public:
  // `options` as mount(8) has them, such as "huge=always".
  static absl::StatusOr<TmpfsMount> Create(const std::string& options);

  TmpfsMount(TmpfsMount&&) = default;
  // Unmounts before it removes the directory.
  ~TmpfsMount();

  const std::string& directory() const { return directory_; }

  // A new file of `pages` untouched pages, mapped in `target` on a 2 MiB boundary from its first
  // page on; to be shaped as MemoryKind::kDevShm.
  absl::StatusOr<MemoryRegion> MapFile(const TargetProcess& target, uint64_t pages);

 private:
  TmpfsMount() = default;

  std::string directory_;
  int files_ = 0;
  UndoEntry undo_directory_;
  UndoEntry undo_mount_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_TESTING_TMPFS_MOUNT_H_
