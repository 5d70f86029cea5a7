#include "daemon/service/listen/listen_address.h"

#include <gtest/gtest.h>

#include <string>

namespace pagemapd {
namespace {

TEST(ListenAddressTest, ParsesUnixAndTcp) {
  EXPECT_EQ(ParseListenAddress("unix:///run/x.sock")->path, "/run/x.sock");
  const auto v4 = ParseListenAddress("tcp://127.0.0.1:50051");
  ASSERT_TRUE(v4.ok()) << v4.status();
  EXPECT_EQ(v4->kind, ListenAddress::Kind::kTcp);
  EXPECT_EQ(v4->host, "127.0.0.1");
  EXPECT_EQ(v4->port, "50051");
  EXPECT_EQ(ParseListenAddress("tcp://[::1]:1")->host, "::1");
  EXPECT_EQ(ParseListenAddress("tcp://host.example:65535")->host, "host.example");
}

TEST(ListenAddressTest, ShowsWhatItParsed) {
  for (const std::string text : {"unix:///run/x.sock", "tcp://127.0.0.1:50051", "tcp://[::1]:1"}) {
    EXPECT_EQ(ToString(*ParseListenAddress(text)), text);
  }
}

TEST(ListenAddressTest, RefusesTheRestAndNamesIt) {
  for (const std::string text :
       {"", "x", "unix:/run/x", "unix://run/x", "unix:///run/", "tcp://127.0.0.1",
        "tcp://127.0.0.1:0", "tcp://127.0.0.1:65536", "tcp://127.0.0.1:x", "tcp://::1:80",
        "tcp://[::1:80", "tcp://[]:80", "tcp://a/b:80", "tcp://:80", "http://a:80"}) {
    const auto address = ParseListenAddress(text);
    EXPECT_EQ(address.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_NE(address.status().message().find(text), std::string::npos) << address.status();
  }
  EXPECT_FALSE(ParseListenAddress("unix:///" + std::string(107, 'x')).ok());
  EXPECT_TRUE(ParseListenAddress("unix:///" + std::string(106, 'x')).ok());
}

}  // namespace
}  // namespace pagemapd
