#ifndef PAGEMAPD_CLI_VM_QMP_CLIENT_H_
#define PAGEMAPD_CLI_VM_QMP_CLIENT_H_

#include <sys/types.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cli/vm/json_object_reader.h"

namespace pagemapd {

// A conversation with a QEMU by its machine protocol (docs/interop/qmp-spec), over a unix socket.
// QEMU talks to one client of a socket at a time: another one waits for its greeting until the
// first has gone. Not thread-safe.
//
// Errors of the conversation: DEADLINE_EXCEEDED (no answer in time), UNAVAILABLE (the other side
// has closed, or there is nobody), DATA_LOSS (what came is not this protocol),
// RESOURCE_EXHAUSTED (a message too long or too deep), FAILED_PRECONDITION (another process has
// gone on in the name of the first). After one of these the client is of no more use, and gives it
// again.
class QmpClient {
 public:
  // Takes the greeting and negotiates no capabilities. `patience` is for how long the other side
  // may keep this one waiting in all, until the last command is answered: between commands, it does
  // not run. Besides the above: INVALID_ARGUMENT (a path too long for a socket), and what
  // connect(2) says: NOT_FOUND, PERMISSION_DENIED.
  static absl::StatusOr<QmpClient> Connect(const std::string& path, absl::Duration patience);

  QmpClient(QmpClient&& other) noexcept;
  QmpClient& operator=(QmpClient&& other) noexcept;
  ~QmpClient();

  // The process that speaks. Not SO_PEERCRED, which names the one that last called listen(2):
  // whoever opened the socket for QEMU, perhaps. The kernel adds to every message who wrote it
  // (SCM_CREDENTIALS); all must be of one process. So while Execute succeeds the pid is still that
  // process's. As seen from this process's pid namespace.
  pid_t peer_pid() const { return peer_pid_; }

  // What the command returns. `arguments` is an object; an empty one is left out. Events that come
  // meanwhile are dropped. If QEMU refuses, its words are "CLASS: DESCRIPTION", with UNIMPLEMENTED
  // for a command that it does not know, NOT_FOUND for DeviceNotFound, and ABORTED for all else;
  // the conversation can go on then.
  absl::StatusOr<nlohmann::json> Execute(
      const std::string& command, const nlohmann::json& arguments = nlohmann::json::object());

 private:
  explicit QmpClient(int fd);

  absl::Status Greet(absl::Time deadline);
  absl::StatusOr<nlohmann::json> Ask(const std::string& command, const nlohmann::json& arguments,
                                     absl::Time deadline);
  absl::Status Send(absl::string_view text, absl::Time deadline);
  // The next message, which is an object.
  absl::StatusOr<nlohmann::json> Receive(absl::Time deadline);
  absl::Status ReadSome(absl::Time deadline);

  int fd_;
  // What is left of it.
  absl::Duration patience_;
  pid_t peer_pid_ = 0;
  uint64_t last_id_ = 0;
  JsonObjectReader reader_;
  // Why it is of no more use.
  absl::Status broken_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VM_QMP_CLIENT_H_
