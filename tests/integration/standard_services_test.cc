// What gRPC tooling expects of any server: health checking and reflection. And the socket's mode.
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/strip.h"
#include "tests/testing/daemon_process.h"

namespace pagemapd {
namespace {

// Debian ships neither health.proto nor reflection.proto: their messages here are the wire bytes
// (https://protobuf.dev/programming-guides/encoding).
grpc::ByteBuffer BytesOf(const std::string& text) {
  const grpc::Slice slice(text);
  return grpc::ByteBuffer(&slice, 1);
}

std::string TextOf(const grpc::ByteBuffer& bytes) {
  std::vector<grpc::Slice> slices;
  std::string text;
  if (bytes.Dump(&slices).ok()) {
    for (const grpc::Slice& slice : slices) {
      text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    }
  }
  return text;
}

class StandardServicesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto daemon = DaemonProcess::Start({});
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    daemon_ = std::make_unique<DaemonProcess>(*std::move(daemon));
    socket_ = std::string(absl::StripPrefix(daemon_->address(), "unix://"));
  }

  // One request, one answer, whether the method streams or not.
  grpc::Status Call(const std::string& method, const std::string& request, std::string* answer) {
    grpc::GenericStub stub(
        grpc::CreateChannel("unix:" + socket_, grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    grpc::CompletionQueue queue;
    const auto wait = [&queue] {
      void* tag;
      bool ok = false;
      return queue.Next(&tag, &ok) && ok;
    };
    auto call = stub.PrepareCall(&context, method, &queue);
    call->StartCall(&call);
    wait();
    call->Write(BytesOf(request), &call);
    wait();
    grpc::ByteBuffer bytes;
    call->Read(&bytes, &call);
    if (wait()) *answer = TextOf(bytes);
    call->WritesDone(&call);
    wait();
    grpc::Status status;
    call->Finish(&status, &call);
    wait();
    return status;
  }

  std::unique_ptr<DaemonProcess> daemon_;
  std::string socket_;
};

TEST_F(StandardServicesTest, HealthIsServing) {
  std::string answer;
  const grpc::Status status = Call("/grpc.health.v1.Health/Check", "", &answer);
  EXPECT_TRUE(status.ok()) << status.error_message();
  // HealthCheckResponse.status (field 1) is SERVING (1).
  EXPECT_EQ(answer, std::string("\x08\x01"));
}

TEST_F(StandardServicesTest, ReflectionNamesTheService) {
  std::string answer;
  // ServerReflectionRequest.list_services (field 7) is "".
  const grpc::Status status = Call("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                                   std::string("\x3a\x00", 2), &answer);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_NE(answer.find("pagemapd.v1.PagemapService"), std::string::npos);
}

TEST_F(StandardServicesTest, TheSocketIsItsOwnersAlone) {
  struct stat st;
  ASSERT_EQ(stat(socket_.c_str(), &st), 0);
  EXPECT_TRUE(S_ISSOCK(st.st_mode));
  EXPECT_EQ(st.st_mode & 0777, 0600);
  EXPECT_EQ(st.st_uid, geteuid());
  daemon_.reset();
  EXPECT_NE(stat(socket_.c_str(), &st), 0) << "gone with the daemon";
}

}  // namespace
}  // namespace pagemapd
