#include "daemon/service/listen/listening_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>

namespace pagemapd {
namespace {

class ListeningSocketTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(mkdtemp(directory_), nullptr);
    path_ = std::string(directory_) + "/socket";
    address_.path = path_;
  }
  void TearDown() override {
    unlink(path_.c_str());
    EXPECT_EQ(rmdir(directory_), 0) << "something was left";
  }

  bool Answers() const {
    const UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un name = {};
    name.sun_family = AF_UNIX;
    path_.copy(name.sun_path, sizeof(name.sun_path) - 1);
    return connect(fd.get(), reinterpret_cast<sockaddr*>(&name), sizeof(name)) == 0;
  }

  char directory_[32] = "/tmp/pagemapd-listen-XXXXXX";
  std::string path_;
  ListenAddress address_;
};

TEST_F(ListeningSocketTest, IsItsOwnersAloneAndGoesAway) {
  {
    const auto socket = ListeningSocket::Bind(address_);
    ASSERT_TRUE(socket.ok()) << socket.status();
    struct stat st;
    ASSERT_EQ(stat(path_.c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0600u);
    EXPECT_TRUE(Answers());
    EXPECT_EQ(socket->shown(), "unix://" + path_);
  }
  EXPECT_NE(access(path_.c_str(), F_OK), 0);
}

TEST_F(ListeningSocketTest, ReplacesOneThatNobodyListensOnAndNoOther) {
  {
    const UniqueFd dead(socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un name = {};
    name.sun_family = AF_UNIX;
    path_.copy(name.sun_path, sizeof(name.sun_path) - 1);
    ASSERT_EQ(bind(dead.get(), reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0);
  }
  const auto first = ListeningSocket::Bind(address_);
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = ListeningSocket::Bind(address_);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_NE(second.status().message().find(path_), std::string::npos);
  EXPECT_TRUE(Answers());
}

TEST_F(ListeningSocketTest, DoesNotRemoveWhatIsNoSocket) {
  std::ofstream(path_) << "precious";
  EXPECT_EQ(ListeningSocket::Bind(address_).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(access(path_.c_str(), F_OK), 0);
}

TEST_F(ListeningSocketTest, TakesTcpAndNamesWhatItCannotHave) {
  // A port that the kernel gives; it may be another's the moment after, but this machine is quiet.
  std::optional<ListeningSocket> taken;
  ListenAddress tcp;
  tcp.kind = ListenAddress::Kind::kTcp;
  tcp.host = "127.0.0.1";
  for (int port = 20000; port < 20100 && !taken.has_value(); ++port) {
    tcp.port = std::to_string(port);
    if (auto socket = ListeningSocket::Bind(tcp); socket.ok()) taken.emplace(*std::move(socket));
  }
  ASSERT_TRUE(taken.has_value());
  const auto again = ListeningSocket::Bind(tcp);
  EXPECT_NE(again.status().message().find(tcp.port), std::string::npos) << again.status();
  tcp.host = "no.such.host.invalid";
  EXPECT_NE(ListeningSocket::Bind(tcp).status().message().find(tcp.host), std::string::npos);
}

TEST_F(ListeningSocketTest, InheritsWhatLeadsTheListInTheEnvironment) {
  // Nothing without the environment variables, or with those of another process.
  EXPECT_TRUE(ListeningSocket::Inherit()->empty());
  setenv("LISTEN_PID", "1", 1);
  setenv("LISTEN_FDS", "1", 1);
  EXPECT_TRUE(ListeningSocket::Inherit()->empty());
}

}  // namespace
}  // namespace pagemapd
