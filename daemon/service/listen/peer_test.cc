#include "daemon/service/listen/peer.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "daemon/sys/unique_fd.h"

namespace pagemapd {
namespace {

// A listening socket, and who connects to it.
class PeerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(mkdtemp(directory_), nullptr);
    address_.sun_family = AF_UNIX;
    path_ = std::string(directory_) + "/socket";
    path_.copy(address_.sun_path, sizeof(address_.sun_path) - 1);
    listening_ = UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(bind(listening_.get(), Address(), sizeof(address_)), 0);
    ASSERT_EQ(listen(listening_.get(), 8), 0);
    ASSERT_EQ(chmod(path_.c_str(), 0666), 0);
    ASSERT_EQ(chmod(directory_, 0755), 0);
  }
  void TearDown() override {
    unlink(path_.c_str());
    rmdir(directory_);
  }

  const sockaddr* Address() const { return reinterpret_cast<const sockaddr*>(&address_); }

  // Connects as a user, from a thread: raw system calls change the calling thread alone.
  UniqueFd ConnectAs(uid_t uid, gid_t gid, const std::vector<gid_t>& groups) {
    UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    std::thread([&] {
      EXPECT_EQ(syscall(SYS_setgroups, groups.size(), groups.data()), 0);
      EXPECT_EQ(syscall(SYS_setresgid, gid, gid, gid), 0);
      EXPECT_EQ(syscall(SYS_setresuid, uid, uid, uid), 0);
      EXPECT_EQ(connect(fd.get(), Address(), sizeof(address_)), 0);
    }).join();
    return fd;
  }

  char directory_[32] = "/tmp/pagemapd-peer-XXXXXX";
  std::string path_;
  sockaddr_un address_ = {};
  UniqueFd listening_;
};

TEST_F(PeerTest, IsWhoCalledConnect) {
  const UniqueFd client = ConnectAs(31001, 32001, {9, 7, 32001, 8});
  const UniqueFd server(accept(listening_.get(), nullptr, nullptr));
  const auto peer = IdentifyPeer(server.get());
  ASSERT_TRUE(peer.ok()) << peer.status();
  EXPECT_EQ(peer->pid, getpid());
  EXPECT_EQ(peer->caller.uid, uid_t{31001});
  EXPECT_EQ(peer->caller.gid, 32001u);
  EXPECT_EQ(peer->caller.groups, (std::vector<gid_t>{7, 8, 9, 32001}));
  EXPECT_TRUE(peer->caller.IsInGroup(8));
  EXPECT_FALSE(peer->caller.IsInGroup(10));
}

TEST_F(PeerTest, TellsAnyNumberOfGroups) {
  for (const size_t count : {0, 1, 31, 32, 33, 5000}) {
    std::vector<gid_t> groups;
    for (size_t i = 0; i < count; ++i) groups.push_back(100'000 + i);
    const UniqueFd client = ConnectAs(31001, 32001, groups);
    const UniqueFd server(accept(listening_.get(), nullptr, nullptr));
    const auto peer = IdentifyPeer(server.get());
    ASSERT_TRUE(peer.ok()) << peer.status();
    EXPECT_EQ(peer->caller.groups, groups);
  }
}

TEST_F(PeerTest, WithoutAPeerThereIsNoCaller) {
  EXPECT_FALSE(IdentifyPeer(UniqueFd(socket(AF_UNIX, SOCK_STREAM, 0)).get()).ok());
  EXPECT_FALSE(IdentifyPeer(UniqueFd(socket(AF_INET, SOCK_STREAM, 0)).get()).ok());
  EXPECT_FALSE(IdentifyPeer(-1).ok());
}

}  // namespace
}  // namespace pagemapd
