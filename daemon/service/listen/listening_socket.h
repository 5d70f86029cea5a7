#ifndef PAGEMAPD_DAEMON_SERVICE_LISTEN_LISTENING_SOCKET_H_
#define PAGEMAPD_DAEMON_SERVICE_LISTEN_LISTENING_SOCKET_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/service/listen/listen_address.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {

// A socket that listens, non-blocking and close-on-exec. Removes the unix socket that it made when
// it is destroyed.
class ListeningSocket {
 public:
  using Kind = ListenAddress::Kind;

  // Makes one. A unix socket is for its owner alone (0600); one that a dead daemon left is
  // replaced, one that a live one answers on is not. Errors name the address. Call before threads
  // that create files are started: the umask is the process's.
  static absl::StatusOr<ListeningSocket> Bind(const ListenAddress& address);

  // Those that systemd, or who speaks its protocol, opened for this process (sd_listen_fds(3)).
  // They keep the permissions that they were given, and stay when the daemon ends. INVALID_ARGUMENT
  // for one that is no listening stream socket, unix or TCP.
  static absl::StatusOr<std::vector<ListeningSocket>> Inherit();

  ListeningSocket(ListeningSocket&& other) noexcept
      : fd_(std::move(other.fd_)),
        kind_(other.kind_),
        shown_(std::move(other.shown_)),
        made_path_(std::exchange(other.made_path_, "")) {}
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  ~ListeningSocket();

  int fd() const { return fd_.get(); }
  Kind kind() const { return kind_; }
  // Where it listens, for people.
  const std::string& shown() const { return shown_; }

 private:
  ListeningSocket(UniqueFd fd, Kind kind, std::string shown)
      : fd_(std::move(fd)), kind_(kind), shown_(std::move(shown)) {}

  static absl::StatusOr<ListeningSocket> BindUnix(const ListenAddress& address);
  static absl::StatusOr<ListeningSocket> BindTcp(const ListenAddress& address);

  UniqueFd fd_;
  Kind kind_;
  std::string shown_;
  std::string made_path_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_LISTEN_LISTENING_SOCKET_H_
