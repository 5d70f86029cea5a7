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
#include "tests/testing/subprocess.h"
#include "tests/testing/undo_entry.h"

namespace pagemapd {

// A pagemapd of the test's own, on a socket in a directory of its own. Not thread-safe.
class DaemonProcess {
 public:
  // Returns once it takes connections. `wrapper` is a command that ends by executing what follows
  // it, such as {"/usr/bin/setpriv", "--bounding-set=-bpf"}.
  static absl::StatusOr<DaemonProcess> Start(const std::vector<std::string>& flags,
                                             const std::vector<std::string>& wrapper = {});

  DaemonProcess(DaemonProcess&&) = default;
  // A test failure if it does not end on SIGTERM, or not with status 0.
  ~DaemonProcess();

  // "unix:///tmp/.../socket".
  const std::string& address() const { return address_; }
  pid_t pid() const { return process_->pid(); }

  // All that it wrote to stderr.
  std::string Log() const;
  // VmRSS.
  absl::StatusOr<uint64_t> RssBytes() const;
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
