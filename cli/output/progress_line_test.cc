#include "cli/output/progress_line.h"

#include <fcntl.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

TEST(ProgressTextTest, TellsShareAndRate) {
  EXPECT_EQ(ProgressText(kScanning, 1250, 5000, 2.0),
            "scanned 1250 of 5000 pages, 25%, 625 pages/s");
  EXPECT_EQ(ProgressText(kScanning, 6000000, 4000000, 2.0),
            "scanned 4000000 of 4000000 pages, 100%, 2.0M pages/s");
  EXPECT_EQ(ProgressText(kScanning, 0, 0, 3.2), "scanning, 3 s");
}

TEST(ProgressTextTest, SaysWhatIsDone) {
  EXPECT_EQ(ProgressText(kPagingOut, 1250, 5000, 2.0),
            "went through 1250 of 5000 pages, 25%, 625 pages/s");
  EXPECT_EQ(ProgressText(kPagingOut, 0, 0, 3.2), "paging out, 3 s");
  EXPECT_EQ(ProgressText(kPagingOut, 70, 0, 3.2), "paging out, 70 pages, 3 s");
}

class ProgressLineTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(pipe2(ends_, O_CLOEXEC | O_NONBLOCK), 0); }
  void TearDown() override {
    close(ends_[0]);
    close(ends_[1]);
  }
  std::string Written() {
    char text[4096];
    const ssize_t n = read(ends_[0], text, sizeof(text));
    return std::string(text, n > 0 ? n : 0);
  }
  int ends_[2];
};

TEST_F(ProgressLineTest, StaysQuietForAShortScan) {
  Terminal terminal;
  terminal.is_terminal = true;
  { ProgressLine line(ends_[1], terminal, 100); }
  EXPECT_EQ(Written(), "");
}

TEST_F(ProgressLineTest, DrawsALongScanAndErasesItself) {
  Terminal terminal;
  terminal.is_terminal = true;
  {
    ProgressLine line(ends_[1], terminal, 100);
    line.SetDone(50);
    absl::SleepFor(absl::Milliseconds(1300));
  }
  const std::string written = Written();
  EXPECT_TRUE(absl::StrContains(written, "scanned 50 of 100 pages, 50%"));
  EXPECT_TRUE(absl::EndsWith(written, "\r\x1b[K"));
}

TEST_F(ProgressLineTest, IsSilentWhereThereIsNoTerminal) {
  {
    ProgressLine line(ends_[1], Terminal(), 100);
    absl::SleepFor(absl::Milliseconds(1300));
  }
  EXPECT_EQ(Written(), "");
}

}  // namespace
}  // namespace pagemapd
