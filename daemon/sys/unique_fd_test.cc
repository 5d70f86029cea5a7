#include "daemon/sys/unique_fd.h"

#include <fcntl.h>

#include <utility>

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

int OpenNull() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

TEST(UniqueFdTest, ClosesWhatItOwns) {
  const int raw = OpenNull();
  {
    const UniqueFd fd(raw);
    EXPECT_TRUE(fd);
    EXPECT_EQ(fd.get(), raw);
    EXPECT_TRUE(IsOpen(raw));
  }
  EXPECT_FALSE(IsOpen(raw));
}

TEST(UniqueFdTest, OwnsNothingByDefault) {
  EXPECT_FALSE(UniqueFd());
  EXPECT_EQ(UniqueFd().get(), -1);
}

TEST(UniqueFdTest, MoveLeavesNothingBehind) {
  const int raw = OpenNull();
  UniqueFd from(raw);
  {
    const UniqueFd to(std::move(from));
    EXPECT_EQ(to.get(), raw);
    EXPECT_FALSE(from);
    EXPECT_TRUE(IsOpen(raw));
  }
  EXPECT_FALSE(IsOpen(raw));
}

TEST(UniqueFdTest, AssignmentClosesBothInTheEnd) {
  const int first = OpenNull();
  const int second = OpenNull();
  {
    UniqueFd fd(first);
    fd = UniqueFd(second);
    EXPECT_EQ(fd.get(), second);
    EXPECT_FALSE(IsOpen(first));
    EXPECT_TRUE(IsOpen(second));
  }
  EXPECT_FALSE(IsOpen(second));
}

}  // namespace
}  // namespace pagemapd
