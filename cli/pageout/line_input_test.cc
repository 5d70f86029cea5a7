#include "cli/pageout/line_input.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using testing::ElementsAre;

constexpr size_t kMax = LineInput::kMaxLineBytes;

// What Next() comes upon in `text`: lines, and "!" for one that is too long.
std::vector<std::string> LinesOf(const std::string& text) {
  const int fd = memfd_create("lines", MFD_CLOEXEC);
  EXPECT_EQ(pwrite(fd, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  LineInput input(fd);
  std::vector<std::string> lines;
  LineInput::Item item;
  while ((item = input.Next()) != LineInput::Item::kEnd && item != LineInput::Item::kError) {
    lines.push_back(item == LineInput::Item::kTooLong ? "!" : std::string(input.line()));
    EXPECT_EQ(input.number(), lines.size());
  }
  EXPECT_EQ(item, LineInput::Item::kEnd);
  EXPECT_EQ(input.Next(), LineInput::Item::kEnd);
  close(fd);
  return lines;
}

TEST(LineInputTest, GivesLines) {
  EXPECT_THAT(LinesOf(""), ElementsAre());
  EXPECT_THAT(LinesOf("\n"), ElementsAre(""));
  EXPECT_THAT(LinesOf("a\n\nb"), ElementsAre("a", "", "b"));
  EXPECT_THAT(LinesOf("a\n"), ElementsAre("a"));
  EXPECT_THAT(LinesOf(std::string("a\0b\n\0", 5)),
              ElementsAre(std::string("a\0b", 3), std::string("\0", 1)));
}

TEST(LineInputTest, PassesOverLinesThatAreTooLong) {
  const std::string longest(kMax, 'x');
  EXPECT_THAT(LinesOf(longest), ElementsAre(longest));
  EXPECT_THAT(LinesOf(longest + "\n" + longest + "\nb"), ElementsAre(longest, longest, "b"));
  EXPECT_THAT(LinesOf(longest + "x"), ElementsAre("!"));
  EXPECT_THAT(LinesOf("a\n" + longest + "x\nb\n"), ElementsAre("a", "!", "b"));
  for (const size_t size : {2 * kMax - 1, 2 * kMax, 2 * kMax + 1, 4 * kMax, 5 * kMax + 3}) {
    EXPECT_THAT(LinesOf("a\n" + std::string(size, 'x') + "\nb\n"), ElementsAre("a", "!", "b"))
        << size;
    EXPECT_THAT(LinesOf(std::string(size, 'x')), ElementsAre("!")) << size;
  }
}

TEST(LineInputTest, LosesNothingWhereTheBufferEnds) {
  std::string text;
  std::vector<std::string> lines;
  for (size_t i = 0; text.size() < 8 * kMax; ++i) {
    lines.push_back(std::to_string(i) + std::string(i * 37 % 4000, 'y'));
    text += lines.back() + "\n";
  }
  EXPECT_EQ(LinesOf(text), lines);
}

TEST(LineInputTest, WaitsForTheRestOfALine) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  std::thread writer([&] {
    for (const char* part : {"on", "e\ntw", "o", "\nthree"}) {
      EXPECT_GT(write(ends[1], part, std::string(part).size()), 0);
      std::this_thread::yield();
    }
    close(ends[1]);
  });
  LineInput input(ends[0]);
  for (const char* line : {"one", "two", "three"}) {
    EXPECT_EQ(input.Next(), LineInput::Item::kLine);
    EXPECT_EQ(input.line(), line);
  }
  EXPECT_EQ(input.Next(), LineInput::Item::kEnd);
  writer.join();
  close(ends[0]);
}

TEST(LineInputTest, TellsWhyItCannotRead) {
  const int fd = open("/", O_RDONLY | O_CLOEXEC);
  LineInput input(fd);
  EXPECT_EQ(input.Next(), LineInput::Item::kError);
  EXPECT_EQ(input.error_number(), EISDIR);
  EXPECT_EQ(input.Next(), LineInput::Item::kError);
  close(fd);
}

}  // namespace
}  // namespace pagemapd
