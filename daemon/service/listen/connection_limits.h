#ifndef PAGEMAPD_DAEMON_SERVICE_LISTEN_CONNECTION_LIMITS_H_
#define PAGEMAPD_DAEMON_SERVICE_LISTEN_CONNECTION_LIMITS_H_

#include <cstdint>

namespace pagemapd {

// Connections at once. From flags; all positive.
struct ConnectionLimits {
  // Of all but root.
  uint32_t max_connections = 1024;
  // Of one user; and of TCP, together. Not of root.
  uint32_t max_connections_per_user = 64;
  // Callers are different if their groups are. A gRPC server each.
  uint32_t max_callers = 64;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_LISTEN_CONNECTION_LIMITS_H_
