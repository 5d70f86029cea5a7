#include "daemon/procfs/line_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "daemon/procfs/scratch_root.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr size_t kMax = LineReader::kMaxLineBytes;

std::vector<std::string> ReadAll(UniqueFd fd, absl::Status* status) {
  LineReader reader(std::move(fd), "SHOWN");
  std::vector<std::string> lines;
  while (true) {
    const auto line = reader.Next();
    *status = line.status();
    if (!line.ok() || !*line) return lines;
    lines.emplace_back(**line);
  }
}

std::vector<std::string> LinesOf(absl::string_view text) {
  absl::Status status;
  const auto lines = ReadAll(OpenHolding(text), &status);
  EXPECT_TRUE(status.ok()) << status;
  return lines;
}

TEST(LineReaderTest, SplitsAtNewlines) {
  EXPECT_THAT(LinesOf(""), IsEmpty());
  EXPECT_THAT(LinesOf("\n"), ElementsAre(""));
  EXPECT_THAT(LinesOf("a\n\nbc\n"), ElementsAre("a", "", "bc"));
  EXPECT_THAT(LinesOf("a\nlast"), ElementsAre("a", "last"));
  EXPECT_THAT(LinesOf(absl::string_view("a\0b\n\0", 5)),
              ElementsAre(std::string("a\0b", 3), std::string("\0", 1)));
}

TEST(LineReaderTest, StaysAtTheEnd) {
  LineReader reader(OpenHolding("a"), "SHOWN");
  ASSERT_TRUE(reader.Next().value().has_value());
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(reader.Next().value().has_value());
}

TEST(LineReaderTest, TakesTheLongestLine) {
  const std::string longest(kMax, 'x');
  EXPECT_THAT(LinesOf(longest), ElementsAre(longest));
  EXPECT_THAT(LinesOf("a\n" + longest + "\n" + longest + "\nb"),
              ElementsAre("a", longest, longest, "b"));
}

TEST(LineReaderTest, RefusesALongerOneForGood) {
  for (const size_t size : {kMax + 1, 2 * kMax - 1, 2 * kMax, 2 * kMax + 1, 10 * kMax}) {
    for (const char* end : {"", "\n", "\nnext\n"}) {
      LineReader reader(OpenHolding("a\n" + std::string(size, 'x') + end), "SHOWN");
      ASSERT_EQ(reader.Next().value(), "a");
      for (int i = 0; i < 3; ++i) {
        const auto line = reader.Next();
        ASSERT_EQ(line.status().code(), absl::StatusCode::kDataLoss) << size;
        EXPECT_EQ(line.status().message(), "SHOWN: a line is longer than 32768 bytes");
      }
    }
  }
}

TEST(LineReaderTest, PutsLinesTogetherFromReadsOfAnySize) {
  std::mt19937 random(42);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::string> lines(1 + random() % 50);
    for (std::string& line : lines) {
      line.assign(random() % (random() % 4 == 0 ? kMax : 100), 'a' + random() % 26);
    }
    const std::string text = absl::StrJoin(lines, "\n") + "\n";
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    std::thread writer([&text, &random, end = UniqueFd(ends[1])] {
      for (size_t at = 0; at < text.size();) {
        const size_t part = std::min<size_t>(text.size() - at, 1 + random() % 9000);
        if (write(end.get(), text.data() + at, part) != static_cast<ssize_t>(part)) return;
        at += part;
      }
    });
    absl::Status status;
    const auto read = ReadAll(UniqueFd(ends[0]), &status);
    writer.join();
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(read, lines);
  }
}

TEST(LineReaderTest, ReportsAFailedRead) {
  absl::Status status;
  ReadAll(UniqueFd(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), &status);
  EXPECT_EQ(status.message(), "read SHOWN: EISDIR");
}

}  // namespace
}  // namespace pagemapd
