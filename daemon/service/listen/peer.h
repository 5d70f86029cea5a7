#ifndef PAGEMAPD_DAEMON_SERVICE_LISTEN_PEER_H_
#define PAGEMAPD_DAEMON_SERVICE_LISTEN_PEER_H_

#include <sys/types.h>

#include "absl/status/statusor.h"
#include "daemon/service/access/caller.h"

namespace pagemapd {

struct Peer {
  Caller caller;
  // For the log alone: by now it may be another process's.
  pid_t pid = 0;
};

// Who called connect(2) on the other end of the unix socket `fd`, as that one was then
// (SO_PEERCRED, SO_PEERGROUPS: unix(7), socket(7)): whoever got the descriptor since, or whatever
// the process has become, makes no difference. Ids are those of the daemon's user namespace. Errors
// name the call.
absl::StatusOr<Peer> IdentifyPeer(int fd);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_LISTEN_PEER_H_
