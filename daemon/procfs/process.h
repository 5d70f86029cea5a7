#ifndef PAGEMAPD_DAEMON_PROCFS_PROCESS_H_
#define PAGEMAPD_DAEMON_PROCFS_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/procfs/proc_root.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {

// What /proc/PID/stat (proc(5)) says of which process this is, and of its address space.
struct ProcessStat {
  // Field 3: 'R', 'S', 'Z' for a zombie.
  char state = '?';
  // Field 9: PF_* of include/linux/sched.h.
  uint64_t flags = 0;
  // Field 22, in clock ticks since boot.
  uint64_t start_time_ticks = 0;
  // Fields 26, 27, 28 and 47: where the kernel laid out code, stack and heap. exec lays them out
  // anew, at random; they read 0 for a zombie and a kernel thread (and without ptrace access).
  uint64_t start_code = 0;
  uint64_t end_code = 0;
  uint64_t start_stack = 0;
  uint64_t start_brk = 0;
};

// Parses /proc/PID/stat. The name in field 2 may hold any bytes, ") " among them: it ends at the
// last ')'. DATA_LOSS for text that is no such line.
absl::StatusOr<ProcessStat> ParseProcessStat(absl::string_view text);

// What a check of a process found.
enum class ProcessChange { kNone, kExited, kExeced };

// A process, held so that no other can take its place: by a handle on /proc/PID, a pidfd, and its
// start time. Moves; the const functions are safe for any thread.
class Process {
 public:
  // `start_time_ticks` 0: whoever has the pid. Errors: INVALID_ARGUMENT (pid not positive, or not
  // of a whole process), NOT_FOUND, PERMISSION_DENIED, FAILED_PRECONDITION (another start time).
  static absl::StatusOr<Process> Open(const ProcRoot& root, pid_t pid, uint64_t start_time_ticks);

  pid_t pid() const { return pid_; }
  uint64_t start_time_ticks() const { return stat_.start_time_ticks; }

  // False for kernel threads and zombies.
  bool HasAddressSpace() const { return stat_.start_stack != 0; }

  // Opens /proc/PID/`name`. NOT_FOUND when the process is gone.
  absl::StatusOr<UniqueFd> Open(const char* name) const;

  // Whether it still is the process, with the address space, that Open found. Waits some
  // milliseconds for a process that has none to show whether it exits or execs.
  ProcessChange Check() const;

  const UniqueFd& pidfd() const { return pidfd_; }
  const UniqueFd& directory() const { return directory_; }

 private:
  Process() = default;

  pid_t pid_ = 0;
  // "/proc/42", for errors.
  std::string shown_;
  UniqueFd directory_;
  UniqueFd pidfd_;
  // Open /proc/PID/stat, so that a check needs no new descriptor and cannot fail for want of one.
  UniqueFd stat_file_;
  ProcessStat stat_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PROCFS_PROCESS_H_
