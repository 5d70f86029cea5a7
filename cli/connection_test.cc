#include "cli/connection.h"

#include <errno.h>

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

TEST(ConnectionTest, TellsWhyAUnixSocketCannotBeReached) {
  EXPECT_EQ(UnixConnectError("unix:///nonexistent/socket"), ENOENT);
  EXPECT_EQ(UnixConnectError("tcp://127.0.0.1:1"), 0);
}

}  // namespace
}  // namespace pagemapd
