#ifndef PAGEMAPD_TESTS_SERVICE_FAULTS_HELD_CLOSE_H_
#define PAGEMAPD_TESTS_SERVICE_FAULTS_HELD_CLOSE_H_

#include <linux/fuse.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tests/testing/fd.h"
#include "tests/testing/undo_entry.h"

namespace pagemapd {

// A file whose close(2) waits until it is let go: of a file system of its own, served over
// /dev/fuse by this process, as any user may have one. A process that has it open to be closed by
// execve(2) waits in the middle of that, with its exec_update_lock held (begin_new_exec in
// fs/exec.c), and so does all that wants to look at its memory.
class HeldClose {
 public:
  // Takes root. Unmounted with this object.
  static absl::StatusOr<std::unique_ptr<HeldClose>> Create();
  // Lets go.
  ~HeldClose();

  const std::string& path() const { return path_; }
  // False if there have not been so many closes that wait for as long as that.
  bool AwaitHeld(size_t closes, absl::Duration timeout);
  // Those that wait, and all to come.
  void LetGo();

 private:
  HeldClose() = default;

  absl::Status Mount();
  void Serve();
  // Answers a request, or keeps a close.
  void Answer(const fuse_in_header& request, const void* argument);
  void Reply(uint64_t request, int error, const void* data, size_t bytes) const;

  std::string path_;
  UndoEntry directory_, mounted_;
  Fd device_;
  // Readable when the thread is to end.
  Fd stop_;
  absl::Mutex mutex_;
  std::vector<uint64_t> held_ ABSL_GUARDED_BY(mutex_);
  bool lets_go_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread server_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_SERVICE_FAULTS_HELD_CLOSE_H_
