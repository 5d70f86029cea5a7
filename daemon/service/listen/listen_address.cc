#include "daemon/service/listen/listen_address.h"

#include <sys/un.h>

#include <cstddef>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace pagemapd {
namespace {

// Longest path of a socket, the terminating NUL left out (unix(7)).
constexpr size_t kMaxSocketPath = sizeof(sockaddr_un{}.sun_path) - 1;

absl::Status Invalid(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("address \"", text, "\": ", why));
}

}  // namespace

std::string ToString(const ListenAddress& address) {
  if (address.kind == ListenAddress::Kind::kUnix) return absl::StrCat("unix://", address.path);
  if (absl::StrContains(address.host, ':')) {
    return absl::StrCat("tcp://[", address.host, "]:", address.port);
  }
  return absl::StrCat("tcp://", address.host, ":", address.port);
}

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
    return Invalid(text, "want unix:///PATH or tcp://HOST:PORT");
  }
  const size_t colon = rest.rfind(':');
  if (colon == rest.npos || colon == 0) return Invalid(text, "want tcp://HOST:PORT");
  absl::string_view host = rest.substr(0, colon);
  const bool bracketed = absl::ConsumePrefix(&host, "[") && absl::ConsumeSuffix(&host, "]");
  if (host.empty() || host.find_first_of("[]/ \t\n") != host.npos || host.find('\0') != host.npos ||
      (!bracketed && absl::StrContains(host, ':'))) {
    return Invalid(text, "the host is none; IPv6 addresses stand in brackets");
  }
  uint32_t port = 0;
  if (!absl::SimpleAtoi(rest.substr(colon + 1), &port) || port == 0 || port > 65535) {
    return Invalid(text, "the port must be 1 to 65535");
  }
  address.kind = ListenAddress::Kind::kTcp;
  address.host = std::string(host);
  address.port = absl::StrCat(port);
  return address;
}

}  // namespace pagemapd
