#include "daemon/service/listen/listening_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "daemon/sys/errno_status.h"

namespace pagemapd {
namespace {

constexpr int kSocketFlags = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;

sockaddr_un UnixAddress(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// Removes a socket that nobody listens on, and makes its directory where only that is missing.
absl::Status PreparePath(const std::string& path) {
  const std::string directory = path.substr(0, path.rfind('/'));
  if (!directory.empty() && mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) {
    return ErrnoStatus(errno, absl::StrCat("mkdir ", directory));
  }
  struct stat st;
  if (lstat(path.c_str(), &st) != 0) {
    return errno == ENOENT ? absl::OkStatus() : ErrnoStatus(errno, absl::StrCat("lstat ", path));
  }
  if (!S_ISSOCK(st.st_mode)) {
    return absl::AlreadyExistsError(absl::StrCat(path, " exists and is no socket"));
  }
  const UniqueFd probe(socket(AF_UNIX, kSocketFlags, 0));
  const sockaddr_un address = UnixAddress(path);
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    return absl::AlreadyExistsError(absl::StrCat("another process listens on ", path));
  }
  // Anything else than that nobody listens does not say so; EAGAIN, say, that there is no room.
  if (errno != ECONNREFUSED) return ErrnoStatus(errno, absl::StrCat("connect ", path));
  if (unlink(path.c_str()) != 0) return ErrnoStatus(errno, absl::StrCat("unlink ", path));
  return absl::OkStatus();
}

// Whether systemd's descriptor is a listening stream socket of `family`.
bool IsListening(int fd, int family) { return sd_is_socket(fd, family, SOCK_STREAM, 1) > 0; }

}  // namespace

absl::StatusOr<ListeningSocket> ListeningSocket::BindUnix(const ListenAddress& address) {
  if (absl::Status status = PreparePath(address.path); !status.ok()) return status;
  UniqueFd fd(socket(AF_UNIX, kSocketFlags, 0));
  if (!fd) return ErrnoStatus(errno, "socket AF_UNIX");
  const sockaddr_un name = UnixAddress(address.path);
  {
    // Nobody but the owner may connect, from the first moment.
    const mode_t old_umask = umask(0177);
    const auto restore = absl::MakeCleanup([old_umask] { umask(old_umask); });
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)) != 0) {
      return ErrnoStatus(errno, absl::StrCat("bind ", address.path));
    }
  }
  ListeningSocket made(std::move(fd), Kind::kUnix, ToString(address));
  made.made_path_ = address.path;
  return made;
}

absl::StatusOr<ListeningSocket> ListeningSocket::BindTcp(const ListenAddress& address) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* raw = nullptr;
  const int error = getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &raw);
  if (error != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("address \"", ToString(address), "\": ", gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> found(raw, freeaddrinfo);
  UniqueFd fd(socket(found->ai_family, kSocketFlags, found->ai_protocol));
  if (!fd) return ErrnoStatus(errno, "socket");
  // So that a daemon can be started again while connections of the one before linger.
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(fd.get(), found->ai_addr, found->ai_addrlen) != 0) {
    return ErrnoStatus(errno, absl::StrCat("bind ", ToString(address)));
  }
  return ListeningSocket(std::move(fd), Kind::kTcp, ToString(address));
}

absl::StatusOr<ListeningSocket> ListeningSocket::Bind(const ListenAddress& address) {
  absl::StatusOr<ListeningSocket> made =
      address.kind == Kind::kUnix ? BindUnix(address) : BindTcp(address);
  if (!made.ok()) return made.status();
  if (listen(made->fd(), SOMAXCONN) != 0) {
    return ErrnoStatus(errno, absl::StrCat("listen on ", made->shown()));
  }
  return made;
}

absl::StatusOr<std::vector<ListeningSocket>> ListeningSocket::Inherit() {
  std::vector<ListeningSocket> sockets;
  // Also sets close-on-exec.
  const int count = sd_listen_fds(/*unset_environment=*/1);
  if (count < 0) return ErrnoStatus(-count, "sd_listen_fds");
  for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + count; ++fd) {
    const bool is_unix = IsListening(fd, AF_UNIX);
    if (!is_unix && !IsListening(fd, AF_INET) && !IsListening(fd, AF_INET6)) {
      return absl::InvalidArgumentError(
          absl::StrCat("descriptor ", fd, " of LISTEN_FDS is no listening stream socket"));
    }
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) {
      return ErrnoStatus(errno, absl::StrCat("fcntl of descriptor ", fd));
    }
    sockets.push_back(ListeningSocket(UniqueFd(fd), is_unix ? Kind::kUnix : Kind::kTcp,
                                      absl::StrCat("systemd's descriptor ", fd)));
  }
  return sockets;
}

ListeningSocket::~ListeningSocket() {
  if (!made_path_.empty()) unlink(made_path_.c_str());
}

}  // namespace pagemapd
