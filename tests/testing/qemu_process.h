#ifndef PAGEMAPD_TESTS_TESTING_QEMU_PROCESS_H_
#define PAGEMAPD_TESTS_TESTING_QEMU_PROCESS_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/vm/qmp_client.h"
#include "tests/testing/subprocess.h"
#include "tests/testing/undo_entry.h"

namespace pagemapd {

// A QEMU of the test's own, emulating the CPU, with two QMP sockets in a directory of its own: QEMU
// talks to one client of a socket at a time, and one of them is the test's. Not thread-safe.
class QemuProcess {
 public:
  // Runs qemu-system-x86_64 with `args` after those for the sockets, -nodefaults and -display none.
  // Returns once it answers the test. UNAVAILABLE, with what QEMU said, if it ends before.
  static absl::StatusOr<QemuProcess> Start(const std::vector<std::string>& args);

  QemuProcess(QemuProcess&&) = default;
  QemuProcess& operator=(QemuProcess&&) = default;
  // A test failure if it does not end with status 0 when told to quit. No failure if the test has
  // ended it.
  ~QemuProcess();

  // -1 once it was ended.
  pid_t pid() const { return process_.has_value() ? process_->pid() : -1; }

  // The test's own conversation, each command in at most 20 s.
  QmpClient& qmp() { return *qmp_; }
  // For others.
  const std::string& qmp_path() const { return qmp_path_; }
  // Room for files and sockets of the test; gone with this object.
  const std::string& directory() const { return directory_; }

  // All that it wrote to stderr.
  std::string Log() const;

  // SIGKILL, and waits for its end.
  void Kill() { process_.reset(); }

 private:
  QemuProcess() = default;

  std::string directory_;
  std::string qmp_path_;
  UndoEntry undo_directory_;
  std::optional<Subprocess> process_;
  std::optional<QmpClient> qmp_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_TESTING_QEMU_PROCESS_H_
