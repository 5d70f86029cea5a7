#include "cli/connection.h"

#include <errno.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

namespace pagemapd {
namespace {

// A summary of many processes is one message.
constexpr int kMaxMessageBytes = 256 << 20;

// The path of a unix address; false for others.
bool UnixPath(absl::string_view address, absl::string_view* path) {
  if (!absl::ConsumePrefix(&address, "unix:")) return false;
  // "unix://" is followed by an absolute path; anything else would be a host.
  if (absl::ConsumePrefix(&address, "//") && !absl::StartsWith(address, "/")) return false;
  *path = address;
  return !address.empty() && address.size() < sizeof(sockaddr_un::sun_path);
}

// gRPC reads the path as part of a URI.
std::string PercentEncoded(absl::string_view path) {
  std::string encoded;
  for (const char c : path) {
    if (absl::ascii_isalnum(c) || absl::StrContains("/-._~", c)) {
      encoded += c;
    } else {
      absl::StrAppendFormat(&encoded, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

}  // namespace

std::string GrpcTargetOf(absl::string_view address) {
  absl::string_view path;
  if (UnixPath(address, &path)) return absl::StrCat("unix:", PercentEncoded(path));
  absl::ConsumePrefix(&address, "tcp://");
  const size_t colon = address.rfind(':');
  uint32_t port = 0;
  if (colon == absl::string_view::npos || colon == 0 || absl::StrContains(address, "/") ||
      absl::StartsWith(address, "unix:") || !absl::SimpleAtoi(address.substr(colon + 1), &port) ||
      port == 0 || port > 65535) {
    return "";
  }
  return std::string(address);
}

bool IsTcpAddress(absl::string_view address) {
  absl::string_view path;
  return !UnixPath(address, &path);
}

std::unique_ptr<v1::PagemapService::Stub> Connect(const std::string& target,
                                                  const std::optional<TlsIdentity>& tls,
                                                  absl::Duration call_limit) {
  grpc::ChannelArguments arguments;
  if (call_limit != absl::InfiniteDuration()) {
    // Of every method (gRPC's service_config.md).
    arguments.SetServiceConfigJSON(
        absl::StrFormat(R"({"methodConfig":[{"name":[{}],"timeout":"%.3fs"}]})",
                        absl::ToDoubleSeconds(call_limit)));
  }
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  // What the environment says of proxies is for browsers.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  if (tls.has_value()) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = tls->ca;
    options.pem_cert_chain = tls->cert;
    options.pem_private_key = tls->key;
    credentials = grpc::SslCredentials(options);
    if (!tls->server_name.empty()) arguments.SetSslTargetNameOverride(tls->server_name);
  }
  return v1::PagemapService::NewStub(grpc::CreateCustomChannel(target, credentials, arguments));
}

int UnixConnectError(absl::string_view address) {
  absl::string_view path;
  if (!UnixPath(address, &path)) return 0;
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  memcpy(name.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  const int error =
      connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0 ? 0 : errno;
  close(fd);
  return error;
}

}  // namespace pagemapd
