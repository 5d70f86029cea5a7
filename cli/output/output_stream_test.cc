#include "cli/output/output_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

TEST(OutputStreamTest, WritesWhatWasAppended) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  OutputStream out(ends[1]);
  EXPECT_FALSE(out.used());
  out.Append("one ");
  fmt::format_to(fmt::appender(out.text()), "{}\n", 2);
  EXPECT_TRUE(out.EndRow());
  EXPECT_TRUE(out.used());
  EXPECT_TRUE(out.Flush());
  char text[16];
  const ssize_t n = read(ends[0], text, sizeof(text));
  EXPECT_EQ(std::string(text, n > 0 ? n : 0), "one 2\n");
  close(ends[0]);
  close(ends[1]);
}

TEST(OutputStreamTest, TellsOfAFullDevice) {
  const int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  OutputStream out(fd);
  out.Append("lost\n");
  EXPECT_TRUE(out.EndRow());  // Still in the buffer.
  EXPECT_FALSE(out.Flush());
  EXPECT_EQ(out.error_number(), ENOSPC);
  EXPECT_FALSE(out.EndRow());
  close(fd);
}

TEST(OutputStreamTest, WritesBeforeMuchHasGathered) {
  const int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  OutputStream out(fd);
  bool going = true;
  size_t rows = 0;
  for (; going && rows < 1000; ++rows) {
    out.Append(std::string(1024, 'x'));
    going = out.EndRow();
  }
  EXPECT_FALSE(going);
  EXPECT_LT(rows, 200u);
  close(fd);
}

}  // namespace
}  // namespace pagemapd
