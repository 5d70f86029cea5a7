#ifndef PAGEMAPD_TESTS_TESTING_DAEMON_PROCESS_H_
#define PAGEMAPD_TESTS_TESTING_DAEMON_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/testing/subprocess.h"
#include "tests/testing/undo_entry.h"

namespace pagemapd {

// A pagemapd of the test's own, on a socket in a directory of its own. Not thread-safe.
//
// It is the one that was built with the test; or, where the environment has PAGEMAPD_DAEMON, the
// program of that path, such as a build with sanitizers.
class DaemonProcess {
 public:
  // Returns once it takes connections. `wrapper` is a command that ends by executing what follows
  // it, such as {"/usr/bin/setpriv", "--bounding-set=-bpf"}.
  static absl::StatusOr<DaemonProcess> Start(const std::vector<std::string>& flags,
                                             const std::vector<std::string>& wrapper = {});

  // Path of the program.
  static std::string Program();

  DaemonProcess(DaemonProcess&&) = default;
  // A test failure if it does not end on SIGTERM, or not with status 0.
  ~DaemonProcess();

  // "unix:///tmp/.../socket".
  const std::string& address() const { return address_; }
  // The socket's path.
  std::string socket() const { return directory_ + "/socket"; }
  pid_t pid() const { return process_->pid(); }

  // Lets other users than root connect.
  absl::Status OpenToAll() const;

  // Sends a signal.
  absl::Status Signal(int signal) const { return process_->Signal(signal); }
  // Waits for its end: the status of waitpid(2). DEADLINE_EXCEEDED if it still runs then.
  absl::StatusOr<int> Wait(absl::Duration timeout) { return process_->Wait(timeout); }

  // All that it wrote to stderr.
  std::string Log() const;
  // VmRSS.
  absl::StatusOr<uint64_t> RssBytes() const;
  // A bound for it: `bytes`, but none for another program than the one built with the test. The
  // memory of a sanitizer, and what it keeps of what was freed, come on top there.
  static uint64_t RssBound(uint64_t bytes);
  // What its descriptors are open on, as /proc/PID/fd shows them, sorted.
  absl::StatusOr<std::vector<std::string>> OpenFiles() const;
  // Its mappings of files, as maps names them, sorted.
  absl::StatusOr<std::vector<std::string>> MappedFiles() const;

 private:
  DaemonProcess() = default;

  std::string directory_;
  std::string address_;
  UndoEntry undo_directory_;
  std::optional<Subprocess> process_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_TESTING_DAEMON_PROCESS_H_
