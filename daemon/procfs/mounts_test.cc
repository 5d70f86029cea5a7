#include "daemon/procfs/mounts.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "daemon/procfs/proc_root.h"
#include "daemon/procfs/scratch_root.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using ::testing::Pair;
using ::testing::UnorderedElementsAre;

TEST(ParseMountinfoLineTest, TakesDeviceAndType) {
  struct Case {
    const char* line;
    DeviceNumber device;
    const char* type;
  };
  const Case cases[] = {
      {"25 24 0:23 / /dev/shm rw,relatime - tmpfs tmpfs rw,size=24684096k", {0, 23}, "tmpfs"},
      {"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue",
       {98, 0},
       "ext3"},
      {"36 35 98:0 / /m rw shared:1 master:2 propagate_from:3 unbindable - fuse.sshfs h: rw",
       {98, 0},
       "fuse.sshfs"},
      // A mount point called "a - ext4 b", and an empty source.
      {"1 0 4095:1048575 / /a\\040-\\040ext4\\040b rw - tmpfs  rw", {4095, 1048575}, "tmpfs"},
      {"1 0 0:1 - - - - tmpfs none rw", {0, 1}, "tmpfs"},
  };
  for (const Case& c : cases) {
    const auto parsed = ParseMountinfoLine(c.line);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(parsed->first, c.device) << c.line;
    EXPECT_EQ(parsed->second, c.type);
  }
}

TEST(ParseMountinfoLineTest, RefusesOtherText) {
  const char* const lines[] = {
      "",
      " ",
      "25",
      "25 24",
      "25 24 0:23",
      "25 24 0:23 / /dev/shm rw",
      "25 24 0:23 / /dev/shm rw -",
      "25 24 0:23 / /dev/shm rw - ",
      "25 24 0:23 / /dev/shm rw - tmpfs",
      "25 24 0:23 / /dev/shm - tmpfs tmpfs rw",
      "25 24 0:23 / /dev/shm rw shared:1 tmpfs tmpfs rw",
      "25 24 0:23  / /dev/shm rw - tmpfs tmpfs rw",
      "25 24 23 / /dev/shm rw - tmpfs tmpfs rw",
      "25 24 0:-1 / /dev/shm rw - tmpfs tmpfs rw",
      "25 24 0:4294967296 / /dev/shm rw - tmpfs tmpfs rw",
      "25 24 0xfe:0 / /dev/shm rw - tmpfs tmpfs rw",
      "x 24 0:23 / /dev/shm rw - tmpfs tmpfs rw",
      "-25 24 0:23 / /dev/shm rw - tmpfs tmpfs rw",
      "25\t24\t0:23\t/\t/dev/shm\trw\t-\ttmpfs\ttmpfs\trw",
  };
  for (const char* line : lines) {
    EXPECT_EQ(ParseMountinfoLine(line).status().code(), absl::StatusCode::kDataLoss) << line;
  }
}

TEST(ReadFilesystemTypesTest, KeepsOneEntryADevice) {
  const auto types = ReadFilesystemTypes(OpenHolding("1 0 8:1 / / rw - ext4 /dev/a rw\n"
                                                     "2 1 8:1 /x /x rw - ext4 /dev/a rw\n"
                                                     "3 1 0:5 / /y rw - tmpfs none rw\n"),
                                         100);
  ASSERT_TRUE(types.ok()) << types.status();
  EXPECT_THAT(*types, UnorderedElementsAre(Pair(DeviceNumber{8, 1}, "ext4"),
                                           Pair(DeviceNumber{0, 5}, "tmpfs")));
}

TEST(ReadFilesystemTypesTest, KeepsNoMoreThanAsked) {
  std::string text;
  for (int i = 0; i < 100; ++i) absl::StrAppend(&text, i, " 0 0:", i, " / / rw - tmpfs none rw\n");
  EXPECT_EQ(ReadFilesystemTypes(OpenHolding(text), 7)->size(), 7u);
  EXPECT_EQ(ReadFilesystemTypes(OpenHolding(text), 0)->size(), 0u);
}

TEST(ReadFilesystemTypesTest, RefusesMalformedText) {
  EXPECT_EQ(
      ReadFilesystemTypes(OpenHolding("1 0 8:1 / / rw - ext4 /dev/a rw\nx\n"), 9).status().code(),
      absl::StatusCode::kDataLoss);
}

TEST(ReadFilesystemTypesTest, FindsTheLiveMounts) {
  auto mountinfo = ProcRoot().Open("self/mountinfo");
  ASSERT_TRUE(mountinfo.ok()) << mountinfo.status();
  const auto types = ReadFilesystemTypes(*std::move(mountinfo), 4096);
  ASSERT_TRUE(types.ok()) << types.status();
  const std::pair<const char*, const char*> mounts[] = {{"/proc", "proc"}, {"/dev/shm", "tmpfs"}};
  for (const auto& [path, type] : mounts) {
    struct stat file;
    ASSERT_EQ(stat(path, &file), 0) << path;
    const DeviceNumber device = {major(file.st_dev), minor(file.st_dev)};
    ASSERT_TRUE(types->contains(device)) << path;
    EXPECT_EQ(types->at(device), type);
  }
}

}  // namespace
}  // namespace pagemapd
