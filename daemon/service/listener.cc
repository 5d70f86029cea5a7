#include "daemon/service/listener.h"

#include <errno.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "daemon/sys/errno_status.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {
namespace {

// As many ranges as Limits allows at first, each with all it can say, come near gRPC's own limit of
// 4 MiB.
constexpr int kMaxRequestBytes = 8 << 20;

// Longest path of a socket, the terminating NUL left out (unix(7)).
constexpr size_t kMaxSocketPath = sizeof(sockaddr_un{}.sun_path) - 1;

absl::Status Invalid(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("address \"", text, "\": ", why));
}

std::string GrpcAddress(const ListenAddress& address) {
  return address.kind == ListenAddress::Kind::kUnix ? absl::StrCat("unix:", address.path)
                                                    : address.host_port;
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
  const UniqueFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (connect(probe.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
    return absl::AlreadyExistsError(absl::StrCat("another process listens on ", path));
  }
  if (unlink(path.c_str()) != 0) return ErrnoStatus(errno, absl::StrCat("unlink ", path));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text) {
  absl::string_view rest = text;
  ListenAddress address;
  if (absl::ConsumePrefix(&rest, "unix://")) {
    if (rest.empty() || rest[0] != '/') return Invalid(text, "the path must be absolute");
    if (rest.back() == '/') return Invalid(text, "the path names a directory");
    if (rest.find('\0') != rest.npos) return Invalid(text, "the path holds a NUL byte");
    if (rest.size() > kMaxSocketPath) {
      return Invalid(text, absl::StrCat("the path is longer than ", kMaxSocketPath, " bytes"));
    }
    address.path = std::string(rest);
    return address;
  }
  if (!absl::ConsumePrefix(&rest, "tcp://")) {
    return Invalid(text, "want unix:///PATH or tcp://127.0.0.1:PORT");
  }
  const size_t colon = rest.rfind(':');
  const absl::string_view host = rest.substr(0, colon);
  if (colon == rest.npos || (host != "127.0.0.1" && host != "[::1]" && host != "localhost")) {
    return Invalid(text, "TCP is for 127.0.0.1, [::1] or localhost only, with a port");
  }
  uint32_t port = 0;
  if (!absl::SimpleAtoi(rest.substr(colon + 1), &port) || port == 0 || port > 65535) {
    return Invalid(text, "the port must be 1 to 65535");
  }
  address.kind = ListenAddress::Kind::kTcp;
  address.host_port = absl::StrCat(host, ":", port);
  return address;
}

absl::StatusOr<std::unique_ptr<grpc::Server>> StartServer(
    const std::vector<ListenAddress>& addresses, grpc::Service* service) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(kMaxRequestBytes);
  std::vector<int> ports(addresses.size(), 0);
  for (size_t i = 0; i < addresses.size(); ++i) {
    if (addresses[i].kind == ListenAddress::Kind::kUnix) {
      if (absl::Status status = PreparePath(addresses[i].path); !status.ok()) return status;
    }
    builder.AddListeningPort(GrpcAddress(addresses[i]), grpc::InsecureServerCredentials(),
                             &ports[i]);
  }
  // A port that someone else has is an error, not a port to share.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server;
  {
    // gRPC makes the sockets: nobody but the owner may connect, from the first moment.
    const mode_t old_umask = umask(0177);
    const auto restore = absl::MakeCleanup([old_umask] { umask(old_umask); });
    server = builder.BuildAndStart();
  }
  // gRPC stops at the first address that it cannot have.
  for (size_t i = 0; i < addresses.size(); ++i) {
    if (ports[i] == 0) {
      return absl::UnavailableError(absl::StrCat("cannot listen on ", GrpcAddress(addresses[i])));
    }
  }
  if (server == nullptr) return absl::InternalError("gRPC does not start");
  return server;
}

void RemoveSockets(const std::vector<ListenAddress>& addresses) {
  for (const ListenAddress& address : addresses) {
    if (address.kind == ListenAddress::Kind::kUnix) unlink(address.path.c_str());
  }
}

}  // namespace pagemapd
