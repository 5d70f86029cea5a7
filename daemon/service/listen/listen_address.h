#ifndef PAGEMAPD_DAEMON_SERVICE_LISTEN_LISTEN_ADDRESS_H_
#define PAGEMAPD_DAEMON_SERVICE_LISTEN_LISTEN_ADDRESS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace pagemapd {

// Where the daemon listens.
struct ListenAddress {
  enum class Kind { kUnix, kTcp };

  Kind kind = Kind::kUnix;
  // kUnix: absolute path of the socket.
  std::string path;
  // kTcp: a name or a number, without the brackets of IPv6; and 1 to 65535.
  std::string host;
  std::string port;
};

// As it was parsed.
std::string ToString(const ListenAddress& address);

// Parses "unix:///PATH" or "tcp://HOST:PORT", HOST being a name, an IPv4 address, or an IPv6
// address in brackets. INVALID_ARGUMENT, naming the text, for anything else.
absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_LISTEN_LISTEN_ADDRESS_H_
