#ifndef PAGEMAPD_TESTS_TESTING_FREE_PORT_H_
#define PAGEMAPD_TESTS_TESTING_FREE_PORT_H_

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

#include "tests/testing/fd.h"

namespace pagemapd {

// A TCP port of 127.0.0.1 that nobody has for the moment. A test failure if there is none.
inline uint16_t FreePort() {
  const Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  return ntohs(address.sin_port);
}

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_TESTING_FREE_PORT_H_
