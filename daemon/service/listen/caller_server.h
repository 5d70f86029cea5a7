#ifndef PAGEMAPD_DAEMON_SERVICE_LISTEN_CALLER_SERVER_H_
#define PAGEMAPD_DAEMON_SERVICE_LISTEN_CALLER_SERVER_H_

#include <grpcpp/impl/codegen/service_type.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {

// A gRPC server that listens nowhere: it serves the connections that it is given, all of one
// caller. So which server a call came to says who asks. With health checking. Some 2
// ms to build. Not thread-safe; its service is called by gRPC's threads.
class CallerServer {
 public:
  struct Options {
    // Of one request. Parsed, it takes some hundred times that at worst, before anybody can look
    // at it.
    int max_request_bytes = 1 << 20;
    // The reflection service takes a thread for each of its streams: for those who are trusted.
    bool with_reflection = false;
    // Calls of one connection; gRPC's clients let more wait, and say nothing.
    int max_streams = 0;
    // What gRPC may hold for messages, requests that are still coming in included. Where it needs
    // more it ends calls and idle connections of this server: not of other callers, hence not one
    // quota for all.
    uint64_t quota_bytes = 32 << 20;
    // Called for every server that is built: to see how its calls end.
    std::function<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>()>
        make_interceptor;
  };

  // LocalServerCredentials for unix sockets.
  static absl::StatusOr<std::unique_ptr<CallerServer>> Build(
      std::unique_ptr<grpc::Service> service,
      const std::shared_ptr<grpc::ServerCredentials>& credentials, const Options& options);
  // Ends calls that are under way.
  ~CallerServer();

  // Serves a connection that was taken from `listening`: non-blocking.
  void Adopt(int listening, UniqueFd connection);

  // No new calls; those under way are cancelled at `deadline`. Waits until they have ended.
  void Shutdown(std::chrono::system_clock::time_point deadline);

 private:
  explicit CallerServer(std::unique_ptr<grpc::Service> service) : service_(std::move(service)) {}

  const std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_LISTEN_CALLER_SERVER_H_
