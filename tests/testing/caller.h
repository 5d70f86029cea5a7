#ifndef PAGEMAPD_TESTS_TESTING_CALLER_H_
#define PAGEMAPD_TESTS_TESTING_CALLER_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pagemapd/v1/pagemap_service.grpc.pb.h"
#include "tests/testing/fd.h"
#include "tests/testing/identity.h"

namespace pagemapd {

// Runs `act` in a thread that is `who`. Takes root.
absl::Status ActAs(const Identity& who, const std::function<absl::Status()>& act);

// A connection to the unix socket at `path`, made by a thread that is `who` for that one moment:
// SO_PEERCRED and SO_PEERGROUPS at the other end say so for good. Takes root. Errors are those of
// connect(2): PERMISSION_DENIED where `who` may not write to the socket. The connection does not
// block.
absl::StatusOr<Fd> ConnectAs(const Identity& who, const std::string& path);
// The same as whoever this thread is.
absl::StatusOr<Fd> Connect(const std::string& path);

// A channel on a connection. It has no other to go to: once that breaks, calls are UNAVAILABLE.
std::shared_ptr<grpc::Channel> ChannelOn(Fd connection);

// A stub on a connection of its own as `who`. Thread-safe, as stubs are.
absl::StatusOr<std::unique_ptr<v1::PagemapService::Stub>> NewStubAs(const Identity& who,
                                                                    const std::string& path);

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_TESTING_CALLER_H_
