#ifndef PAGEMAPD_CLI_CONNECTION_H_
#define PAGEMAPD_CLI_CONNECTION_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cli/tls_files.h"
#include "pagemapd/v1/pagemap_service.grpc.pb.h"

namespace pagemapd {

// gRPC's name of the daemon at `address`: "unix:///PATH", "unix:PATH", "tcp://HOST:PORT" or
// "HOST:PORT". Empty if `address` is none of these.
std::string GrpcTargetOf(absl::string_view address);

// Whether `address`, one that GrpcTargetOf understands, is one of TCP.
bool IsTcpAddress(absl::string_view address);

// A stub for `target`, a result of GrpcTargetOf. The connection is made by the first call: with
// `tls`, or, to a unix socket, without. A call takes as long as `call_limit` allows, at most:
// DEADLINE_EXCEEDED.
std::unique_ptr<v1::PagemapService::Stub> Connect(
    const std::string& target, const std::optional<TlsIdentity>& tls,
    absl::Duration call_limit = absl::InfiniteDuration());

// errno of connecting to the unix socket of `address`; 0 if that works, or `address` is none. Tells
// "no daemon" from "not allowed to ask it", which gRPC calls both UNAVAILABLE.
int UnixConnectError(absl::string_view address);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_CONNECTION_H_
