#include "daemon/sys/bounded_read.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

namespace pagemapd {
namespace {

UniqueFd FileOf(const std::string& text) {
  UniqueFd fd(memfd_create("bounded-read", MFD_CLOEXEC));
  EXPECT_EQ(write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  EXPECT_EQ(lseek(fd.get(), 0, SEEK_SET), 0);
  return fd;
}

TEST(BoundedReadTest, ReadsToTheEndOrToTheBound) {
  const std::string text(100'000, 'x');
  EXPECT_EQ(*ReadUpTo(FileOf(text), 200'000, "read"), text);
  EXPECT_EQ(*ReadUpTo(FileOf(text), 100'000, "read"), text);
  EXPECT_EQ(ReadUpTo(FileOf(text), 99'999, "read")->size(), 99'999u);
  EXPECT_EQ(*ReadUpTo(FileOf(text), 0, "read"), "");
  EXPECT_EQ(*ReadUpTo(FileOf(""), 10, "read"), "");
}

TEST(BoundedReadTest, SaysWhatItAttempted) {
  EXPECT_EQ(ReadUpTo(UniqueFd(), 10, "read of nothing").status().message(),
            "read of nothing: EBADF");
}

}  // namespace
}  // namespace pagemapd
