#ifndef PAGEMAPD_DAEMON_SERVICE_LISTENER_H_
#define PAGEMAPD_DAEMON_SERVICE_LISTENER_H_

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace pagemapd {

// Where the daemon listens.
struct ListenAddress {
  enum class Kind { kUnix, kTcp };

  Kind kind = Kind::kUnix;
  // kUnix: absolute path of the socket.
  std::string path;
  // kTcp: "127.0.0.1:50051" or "[::1]:50051".
  std::string host_port;
};

// Parses "unix:///PATH" or "tcp://LOOPBACK:PORT", LOOPBACK being 127.0.0.1, [::1] or localhost.
// INVALID_ARGUMENT, naming the text, for anything else: without authentication, no other host may
// ask.
absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text);

// Builds and starts a server for `service` on every address, with health checking and reflection.
// Unix sockets are for their owner alone (0600); a socket that a dead daemon left is replaced, one
// that a live one answers on is not. Errors name the address. Call before threads that create
// files are started: the umask is the process's.
absl::StatusOr<std::unique_ptr<grpc::Server>> StartServer(
    const std::vector<ListenAddress>& addresses, grpc::Service* service);

// Removes the unix sockets. Call after the server has shut down.
void RemoveSockets(const std::vector<ListenAddress>& addresses);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_LISTENER_H_
