#include "daemon/service/listen/peer.h"

#include <errno.h>
#include <sys/socket.h>

#include <vector>

#include "absl/algorithm/container.h"
#include "daemon/sys/errno_status.h"

namespace pagemapd {

absl::StatusOr<Peer> IdentifyPeer(int fd) {
  struct ucred credentials;
  socklen_t size = sizeof(credentials);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return ErrnoStatus(errno, "getsockopt SO_PEERCRED");
  }
  // What the kernel says of a socket that nobody connected.
  if (size != sizeof(credentials) || credentials.uid == static_cast<uid_t>(-1)) {
    return absl::UnauthenticatedError("the socket has no peer");
  }
  Peer peer;
  peer.pid = credentials.pid;
  peer.caller.uid = credentials.uid;
  peer.caller.gid = credentials.gid;
  std::vector<gid_t>& groups = peer.caller.groups;
  groups.resize(32);
  size = groups.size() * sizeof(gid_t);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) {
    if (errno != ERANGE) return ErrnoStatus(errno, "getsockopt SO_PEERGROUPS");
    // The groups of a peer do not change: now it is known how many there are.
    groups.resize(size / sizeof(gid_t));
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) {
      return ErrnoStatus(errno, "getsockopt SO_PEERGROUPS");
    }
  }
  groups.resize(size / sizeof(gid_t));
  absl::c_sort(groups);
  return peer;
}

}  // namespace pagemapd
