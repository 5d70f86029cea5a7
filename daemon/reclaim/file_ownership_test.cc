#include "daemon/reclaim/file_ownership.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "daemon/sys/forked_child.h"
#include "daemon/sys/unique_fd.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

constexpr uid_t kNobody = 65534;

// Whether a process without privileges may, of a file of root's with this mode.
bool NobodyMay(mode_t mode, uid_t owner) {
  const UniqueFd memfd(memfd_create("pagemapd-test", MFD_CLOEXEC));
  // For reading only, as the daemon has files open.
  const std::string path = "/proc/self/fd/" + std::to_string(memfd.get());
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(fchmod(fd.get(), mode), 0);
  EXPECT_EQ(fchown(fd.get(), owner, owner), 0);
  ForkedChild child([&] {
    if (setresgid(kNobody, kNobody, kNobody) != 0) return 2;
    if (setresuid(kNobody, kNobody, kNobody) != 0) return 2;
    return MayPageOutFile(fd.get()) ? 1 : 0;
  });
  const int may = child.Reap();
  EXPECT_NE(may, 2);
  return may == 1;
}

TEST(FileOwnershipTest, RootMay) {
  const UniqueFd fd(memfd_create("pagemapd-test", MFD_CLOEXEC));
  ASSERT_EQ(fchown(fd.get(), kNobody, kNobody), 0);
  EXPECT_TRUE(MayPageOutFile(fd.get()));
}

TEST(FileOwnershipTest, TheOwnerMay) { EXPECT_TRUE(NobodyMay(0400, kNobody)); }

TEST(FileOwnershipTest, InTheNameOfAnotherIsAsTheOtherMay) {
  const UniqueFd fd(memfd_create("pagemapd-test", MFD_CLOEXEC));
  ASSERT_EQ(fchmod(fd.get(), 0644), 0);
  EXPECT_FALSE(MayPageOutFile(fd.get(), kNobody));
  ASSERT_EQ(fchown(fd.get(), kNobody, kNobody), 0);
  EXPECT_TRUE(MayPageOutFile(fd.get(), kNobody));
}

TEST(FileOwnershipTest, AnotherMayOnlyIfHeMayWrite) {
  EXPECT_FALSE(NobodyMay(0600, 0));
  EXPECT_FALSE(NobodyMay(0644, 0));
  EXPECT_TRUE(NobodyMay(0666, 0));
}

}  // namespace
}  // namespace pagemapd
