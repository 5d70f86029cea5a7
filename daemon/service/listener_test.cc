#include "daemon/service/listener.h"

#include <gtest/gtest.h>

#include <string>

namespace pagemapd {
namespace {

TEST(ListenAddressTest, ParsesUnixAndLoopback) {
  EXPECT_EQ(ParseListenAddress("unix:///run/x.sock")->path, "/run/x.sock");
  EXPECT_EQ(ParseListenAddress("tcp://127.0.0.1:50051")->host_port, "127.0.0.1:50051");
  EXPECT_EQ(ParseListenAddress("tcp://[::1]:1")->host_port, "[::1]:1");
}

TEST(ListenAddressTest, RefusesTheRestAndNamesIt) {
  for (const std::string text :
       {"", "x", "unix:/run/x", "unix://run/x", "unix:///run/", "tcp://0.0.0.0:1",
        "tcp://127.0.0.1", "tcp://127.0.0.1:0", "tcp://127.0.0.1:65536", "tcp://127.0.0.1:x",
        "tcp://192.0.2.1:80", "tcp://:80"}) {
    const auto address = ParseListenAddress(text);
    EXPECT_EQ(address.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_NE(address.status().message().find(text), std::string::npos) << address.status();
  }
  EXPECT_FALSE(ParseListenAddress("unix:///" + std::string(107, 'x')).ok());
  EXPECT_TRUE(ParseListenAddress("unix:///" + std::string(106, 'x')).ok());
}

}  // namespace
}  // namespace pagemapd
