#include "daemon/procfs/proc_root.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "daemon/procfs/scratch_root.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using ::testing::HasSubstr;

std::string Contents(const UniqueFd& fd) {
  char text[64];
  const ssize_t got = read(fd.get(), text, sizeof(text));
  return std::string(text, got < 0 ? 0 : got);
}

TEST(ProcRootTest, OpensBelowTheInjectedRoot) {
  const ScratchRoot scratch;
  scratch.Write("swaps", "one");
  scratch.Write("42/maps", "two");
  const ProcRoot root = scratch.root();
  EXPECT_EQ(root.path(), scratch.path());
  const auto swaps = root.Open("swaps");
  ASSERT_TRUE(swaps.ok()) << swaps.status();
  EXPECT_EQ(Contents(*swaps), "one");
  EXPECT_EQ(fcntl(swaps->get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  EXPECT_EQ(fcntl(swaps->get(), F_GETFL) & O_ACCMODE, O_RDONLY);

  const auto directory = root.OpenDirectory("42");
  ASSERT_TRUE(directory.ok()) << directory.status();
  EXPECT_EQ(fcntl(directory->get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  const auto maps = OpenAt(*directory, "maps", "42/maps");
  ASSERT_TRUE(maps.ok()) << maps.status();
  EXPECT_EQ(Contents(*maps), "two");
}

TEST(ProcRootTest, SaysWhatCouldNotBeOpened) {
  const ScratchRoot scratch;
  scratch.Write("file", "");
  const absl::Status absent = scratch.root().Open("absent").status();
  EXPECT_EQ(absent.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(absent.message(), "open " + scratch.path() + "/absent: ENOENT");
  EXPECT_THAT(std::string(scratch.root().OpenDirectory("file").status().message()),
              HasSubstr("ENOTDIR"));
  const auto directory = ProcRoot().OpenDirectory("self");
  ASSERT_TRUE(directory.ok()) << directory.status();
  EXPECT_EQ(OpenAt(*directory, "nonesuch", "SHOWN").status().message(), "open SHOWN: ENOENT");
}

}  // namespace
}  // namespace pagemapd
