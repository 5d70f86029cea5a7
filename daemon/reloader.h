#ifndef PAGEMAPD_DAEMON_RELOADER_H_
#define PAGEMAPD_DAEMON_RELOADER_H_

#include <grpcpp/security/server_credentials.h>
#include <systemd/sd-event.h>

#include <memory>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/service/access/access_control.h"
#include "daemon/service/listen/doorbell.h"
#include "daemon/service/listen/listener.h"
#include "daemon/service/listen/tls_files.h"

namespace pagemapd {

// Reads the policy and the TLS files again. What cannot be read, or is wrong, changes nothing.
//
// In a thread of its own: to look up the names in a policy may take as long as a directory server
// likes (getpwnam(3)), and the event loop accepts, feeds the watchdog, and stops.
//
// One thread's, the loop's.
class Reloader {
 public:
  // `access` and `listener` must outlive it.
  static absl::StatusOr<std::unique_ptr<Reloader>> Create(sd_event* loop, const TlsFiles& tls,
                                                          AccessControl& access,
                                                          Listener& listener);
  // Waits for what is being read.
  ~Reloader();

  // While files are being read: once more after that.
  void Reload();

 private:
  Reloader(const TlsFiles& tls, AccessControl& access, Listener& listener)
      : tls_(tls), access_(access), listener_(listener) {}

  // In the loop, when the thread is done.
  void Done();

  const TlsFiles tls_;
  AccessControl& access_;
  Listener& listener_;
  std::thread thread_;
  bool again_ = false;
  // The thread's, until it has rung: null where there is no TLS.
  absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> credentials_ = nullptr;
  std::unique_ptr<Doorbell> done_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_RELOADER_H_
