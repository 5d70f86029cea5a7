#ifndef PAGEMAPD_TESTS_DEPLOY_UNITS_CONFINED_DAEMON_H_
#define PAGEMAPD_TESTS_DEPLOY_UNITS_CONFINED_DAEMON_H_

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/testing/fd.h"
#include "tests/testing/subprocess.h"
#include "tests/testing/undo_entry.h"

namespace pagemapd {

// The daemon of the package, as pagemapd.service starts it when pagemapd.socket is connected to:
// with the unit's command line, as its user, under its restrictions (confine.py). Without systemd.
// Not thread-safe.
class ConfinedDaemon {
 public:
  // What users and groups there are besides root.
  static constexpr uid_t kUser = 61184;
  // "operators".
  static constexpr gid_t kOperators = 61185;

  struct Options {
    // Of the package's examples, such as "without-bpf.conf".
    std::vector<std::string> drop_ins;
    // In place of the package's policy.
    std::string policy;
    // TCP addresses to listen on, too: "127.0.0.1:PORT".
    std::vector<std::string> tcp_addresses;
    // Copies of files, by where they are to be seen: {"etc/pagemapd/tls/key.pem", "/tmp/..."}.
    std::map<std::string, std::string> files;
  };
  // Connects once, and returns when the daemon has said that it is ready.
  static absl::StatusOr<ConfinedDaemon> Start(const Options& options);

  ConfinedDaemon(ConfinedDaemon&&) = default;
  // A test failure if it does not end on SIGTERM, or not with status 0.
  ~ConfinedDaemon();

  std::string socket() const { return directory_ + "/socket"; }
  std::string address() const { return "unix://" + socket(); }
  pid_t pid() const { return process_->pid(); }
  // All that it wrote to stderr.
  std::string Log() const;

  // Has it read another policy, and waits until its log has `expected` once more.
  absl::Status Reload(const std::string& policy, const std::string& expected);

 private:
  ConfinedDaemon() = default;

  absl::Status Unpack(const Options& options);
  absl::Status Launch(const Options& options);
  absl::Status AwaitReady();

  // On /dev/shm, which the unit leaves in sight.
  std::string directory_;
  UndoEntry undo_directory_;
  Fd notifications_;
  std::optional<Subprocess> process_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_DEPLOY_UNITS_CONFINED_DAEMON_H_
