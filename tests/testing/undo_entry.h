#ifndef PAGEMAPD_TESTS_TESTING_UNDO_ENTRY_H_
#define PAGEMAPD_TESTS_TESTING_UNDO_ENTRY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace pagemapd {

// What a test changed in the system beyond its own processes, each with how to undo it.
//
// A small process of its own session (guardian_main.cc) keeps the list. It undoes an entry when
// told to, and everything that is left, the last first, once this process is gone: so a test that
// crashes or is killed leaves no swap area, device, cgroup or changed knob behind. Where the
// guardian is killed as well, the next test's does that first. An entry is registered before the
// change is made, and its undoing is no error where nothing was changed.
//
// Safe for any thread.
class UndoEntry {
 public:
  // The verb and its arguments, none with a tab or newline:
  //   swapoff PATH                swapoff(2)
  //   write PATH TEXT             into an existing file, such as a knob's old value
  //   hotremove N                 zram device N
  //   loopdetach PATH
  //   unmount PATH
  //   rmcgroup PATH               its processes, all ours, are killed
  //   rmtree PATH                 below /tmp or /dev/shm only
  static absl::StatusOr<UndoEntry> Register(const std::vector<std::string>& action);

  UndoEntry() = default;
  UndoEntry(UndoEntry&& other) noexcept : id_(other.id_) { other.id_ = 0; }
  UndoEntry& operator=(UndoEntry&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  // Undoes; a failure ends up on stderr, and the guardian tries again at the end.
  ~UndoEntry();

  // Undoes now.
  absl::Status Undo();

 private:
  explicit UndoEntry(uint64_t id) : id_(id) {}

  // 0: nothing to undo.
  uint64_t id_ = 0;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_TESTING_UNDO_ENTRY_H_
