#include "cli/connection.h"

#include <errno.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "cli/scratch_certificates.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

TEST(ConnectionTest, UnderstandsAddresses) {
  EXPECT_EQ(GrpcTargetOf("unix:///run/pagemapd/pagemapd.sock"), "unix:/run/pagemapd/pagemapd.sock");
  EXPECT_EQ(GrpcTargetOf("unix:sock"), "unix:sock");
  EXPECT_EQ(GrpcTargetOf("unix:///tmp/a b%"), "unix:/tmp/a%20b%25");
  EXPECT_EQ(GrpcTargetOf("tcp://127.0.0.1:7000"), "127.0.0.1:7000");
  EXPECT_EQ(GrpcTargetOf("localhost:7000"), "localhost:7000");
  EXPECT_EQ(GrpcTargetOf("[::1]:7000"), "[::1]:7000");
}

TEST(ConnectionTest, RefusesWhatIsNoAddress) {
  for (const char* address : {"", "unix:", "unix://", "unix://host/x", "localhost", ":7000",
                              "localhost:", "localhost:http", "localhost:0", "localhost:70000",
                              "http://localhost:80", "/run/x.sock"}) {
    EXPECT_EQ(GrpcTargetOf(address), "") << address;
  }
  EXPECT_EQ(GrpcTargetOf("unix:///" + std::string(200, 'x')), "");
}

TEST(ConnectionTest, TellsTcpFromUnix) {
  for (const char* address : {"tcp://127.0.0.1:7000", "localhost:7000", "[::1]:7000"}) {
    EXPECT_TRUE(IsTcpAddress(address)) << address;
  }
  for (const char* address : {"unix:///run/x.sock", "unix:sock", "unix:tcp://a:1"}) {
    EXPECT_FALSE(IsTcpAddress(address)) << address;
  }
}

TEST(ConnectionTest, TellsWhyAUnixSocketCannotBeReached) {
  EXPECT_EQ(UnixConnectError("unix:///nonexistent/socket"), ENOENT);
  EXPECT_EQ(UnixConnectError("tcp://127.0.0.1:1"), 0);
}

TEST(ConnectionTest, EndsACallThatTakesTooLong) {
  // One that answers when it has been given up.
  class : public v1::PagemapService::Service {
    grpc::Status SummarizePages(grpc::ServerContext* context, const v1::SummarizePagesRequest*,
                                v1::SummarizePagesResponse*) override {
      while (!context->IsCancelled()) absl::SleepFor(absl::Milliseconds(1));
      return grpc::Status::OK;
    }
  } never;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&never);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  const auto service = Connect(absl::StrCat("127.0.0.1:", port), std::nullopt, absl::Seconds(1));
  for (int i = 0; i < 2; ++i) {
    grpc::ClientContext context;
    v1::SummarizePagesResponse response;
    EXPECT_EQ(service->SummarizePages(&context, {}, &response).error_code(),
              grpc::StatusCode::DEADLINE_EXCEEDED);
  }
}

// A daemon's TCP side: a certificate for `names`, and clients' by the same CA are required.
class TlsServer {
 public:
  TlsServer(ScratchCertificates* certificates, const std::string& names) {
    const auto own = certificates->Issue("server", names);
    grpc::SslServerCredentialsOptions options(
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = ReadAll(certificates->ca());
    options.pem_key_cert_pairs = {{ReadAll(own.key), ReadAll(own.cert)}};
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(options), &port_);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
  }

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

 private:
  static std::string ReadAll(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // Knows no call: that it says so shows that it was reached.
  v1::PagemapService::Service service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

class TlsConnectionTest : public testing::Test {
 protected:
  grpc::Status Call(const TlsServer& server, const std::optional<TlsIdentity>& identity) {
    const auto service = Connect(GrpcTargetOf(server.address()), identity);
    grpc::ClientContext context;
    v1::GetCapabilitiesResponse response;
    return service->GetCapabilities(&context, {}, &response);
  }

  TlsIdentity Identity(ScratchCertificates* issuer, const std::string& server_name) {
    const auto own = issuer->Issue("client" + server_name, "");
    auto identity = ReadTlsFiles({certificates_.ca(), own.cert, own.key, server_name});
    EXPECT_TRUE(identity.ok()) << identity.status();
    return *std::move(identity);
  }

  ScratchCertificates certificates_;
};

TEST_F(TlsConnectionTest, BothSidesProveThemselves) {
  const TlsServer server(&certificates_, "IP:127.0.0.1");
  EXPECT_EQ(Call(server, Identity(&certificates_, "")).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(Call(server, std::nullopt).error_code(), grpc::StatusCode::UNAVAILABLE);
  ScratchCertificates others;
  EXPECT_EQ(Call(server, Identity(&others, "")).error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsConnectionTest, TheServersNameIsLookedAt) {
  const TlsServer server(&certificates_, "DNS:daemon.example");
  EXPECT_EQ(Call(server, Identity(&certificates_, "")).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Call(server, Identity(&certificates_, "other.example")).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Call(server, Identity(&certificates_, "daemon.example")).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(TlsConnectionTest, AServerOfAnotherAuthorityIsNotTalkedTo) {
  ScratchCertificates others;
  const TlsServer server(&others, "IP:127.0.0.1");
  EXPECT_EQ(Call(server, Identity(&certificates_, "")).error_code(), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace pagemapd
