#include "cli/metrics/file_replacement.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class FileReplacementTest : public testing::Test {
 protected:
  FileReplacementTest() {
    char directory[] = "/tmp/file-replacement-test-XXXXXX";
    EXPECT_NE(mkdtemp(directory), nullptr);
    directory_ = directory;
    path_ = directory_ + "/x.prom";
  }
  ~FileReplacementTest() override { std::filesystem::remove_all(directory_); }

  static std::string Read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      names.push_back(entry.path().filename());
    }
    return names;
  }

  std::string directory_;
  std::string path_;
};

TEST_F(FileReplacementTest, TheOldFileStaysWholeForWhoHasItOpen) {
  const mode_t before = umask(0077);
  ASSERT_TRUE(ReplaceFile(path_, "old\n").ok());
  std::ifstream reader(path_);
  ASSERT_TRUE(ReplaceFile(path_, "new\n").ok());
  umask(before);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(reader), {}), "old\n");
  EXPECT_EQ(Read(path_), "new\n");
  struct stat status;
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0644u);
  EXPECT_THAT(Names(), ElementsAre("x.prom"));
}

TEST_F(FileReplacementTest, ANameWithoutDirectoryIsOfThisOne) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(directory_);
  EXPECT_TRUE(ReplaceFile("y.prom", "text").ok());
  std::filesystem::current_path(before);
  EXPECT_EQ(Read(directory_ + "/y.prom"), "text");
}

TEST_F(FileReplacementTest, NothingElseThanAFileIsReplaced) {
  const std::string link = directory_ + "/link";
  ASSERT_EQ(symlink("target", link.c_str()), 0);
  for (const std::string& path : {link, directory_, std::string("/dev/null")}) {
    const absl::Status status = ReplaceFile(path, "text");
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("cannot write " + path));
  }
  EXPECT_THAT(Names(), ElementsAre("link"));
}

TEST_F(FileReplacementTest, WhatCannotBeWrittenIsNamed) {
  const absl::Status status = ReplaceFile(directory_ + "/none/x.prom", "text");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("cannot write " + directory_ + "/none"));
}

// As a full disk does, half way.
TEST_F(FileReplacementTest, AWriteThatFailsLeavesTheOldFile) {
  ASSERT_TRUE(ReplaceFile(path_, "old\n").ok());
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {1000, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const absl::Status status = ReplaceFile(path_, std::string(2000, 'x'));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_THAT(std::string(status.message()), HasSubstr("cannot write " + path_));
  EXPECT_EQ(Read(path_), "old\n");
  EXPECT_THAT(Names(), ElementsAre("x.prom"));
}

}  // namespace
}  // namespace pagemapd
