#include "daemon/service/listen/caller_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace pagemapd {
namespace {

// A connection on which HTTP/2 has not begun by then is closed.
constexpr int kHandshakeMilliseconds = 3'000;
// One without calls is closed after this long; clients connect again when they need to.
constexpr int kIdleMilliseconds = 600'000;
constexpr int kMaxMetadataBytes = 16 << 10;

// Takes the reflection service, which is part of every server of a program that links it, off one.
class WithoutReflection : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    plugins->erase(std::remove_if(plugins->begin(), plugins->end(),
                                  [](const std::unique_ptr<grpc::ServerBuilderPlugin>& plugin) {
                                    return plugin->name() == "proto_server_reflection";
                                  }),
                   plugins->end());
  }
};

}  // namespace

absl::StatusOr<std::unique_ptr<CallerServer>> CallerServer::Build(
    std::unique_ptr<grpc::Service> service,
    const std::shared_ptr<grpc::ServerCredentials>& credentials, const Options& options) {
  // Both do nothing the second time.
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  std::unique_ptr<CallerServer> made(new CallerServer(std::move(service)));
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(options.max_request_bytes);
  if (!options.with_reflection) builder.SetOption(std::make_unique<WithoutReflection>());
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_streams);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMilliseconds);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kIdleMilliseconds);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  // Reflection alone is served by threads of its own.
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 1);
  grpc::ResourceQuota quota;
  quota.Resize(options.quota_bytes);
  builder.SetResourceQuota(quota);
  if (options.make_interceptor) {
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> creators;
    creators.push_back(options.make_interceptor());
    builder.experimental().SetInterceptorCreators(std::move(creators));
  }
  made->acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, credentials);
  builder.RegisterService(made->service_.get());
  made->server_ = builder.BuildAndStart();
  if (made->server_ == nullptr) return absl::InternalError("gRPC does not start a server");
  return made;
}

CallerServer::~CallerServer() { Shutdown(std::chrono::system_clock::now()); }

void CallerServer::Adopt(int listening, UniqueFd connection) {
  grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters parameters;
  parameters.listener_fd = listening;
  parameters.fd = connection.release();
  acceptor_->HandleNewConnection(&parameters);
}

void CallerServer::Shutdown(std::chrono::system_clock::time_point deadline) {
  if (server_ == nullptr) return;
  server_->Shutdown(deadline);
  server_->Wait();
  server_.reset();
}

}  // namespace pagemapd
