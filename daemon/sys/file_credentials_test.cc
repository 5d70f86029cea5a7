#include "daemon/sys/file_credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/synchronization/notification.h"
#include "daemon/sys/forked_child.h"
#include "daemon/sys/unique_fd.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

constexpr uid_t kNobody = 65534;
constexpr uid_t kSomebody = 65533;

// A file of the user's alone.
UniqueFd FileOf(uid_t user) {
  UniqueFd fd(memfd_create("pagemapd-test", MFD_CLOEXEC));
  EXPECT_EQ(fchmod(fd.get(), 0600), 0);
  EXPECT_EQ(fchown(fd.get(), user, 0), 0);
  return fd;
}

bool MayWrite(const UniqueFd& fd) {
  return syscall(SYS_faccessat2, fd.get(), "", W_OK, AT_EMPTY_PATH | AT_EACCESS) == 0;
}

// Only the owner, or CAP_FOWNER.
bool MayChangeMode(const UniqueFd& fd) { return fchmod(fd.get(), 0600) == 0; }

TEST(FileCredentialsTest, TheUsersFilesAndNoOthers) {
  const UniqueFd roots = FileOf(0);
  const UniqueFd nobodys = FileOf(kNobody);
  {
    const auto credentials = FileCredentials::ActAs(kNobody);
    ASSERT_TRUE(credentials.ok()) << credentials.status();
    EXPECT_FALSE(MayWrite(roots));
    EXPECT_FALSE(MayChangeMode(roots));
    EXPECT_TRUE(MayWrite(nobodys));
    EXPECT_TRUE(MayChangeMode(nobodys));
  }
  EXPECT_TRUE(MayWrite(roots));
  EXPECT_TRUE(MayChangeMode(nobodys));
}

TEST(FileCredentialsTest, NoFilesOfTheGroups) {
  constexpr gid_t kGroup = 61007;
  const UniqueFd fd(memfd_create("pagemapd-test", MFD_CLOEXEC));
  ASSERT_EQ(fchown(fd.get(), 0, kGroup), 0);
  ASSERT_EQ(fchmod(fd.get(), 0060), 0);
  const UniqueFd roots(memfd_create("pagemapd-test", MFD_CLOEXEC));
  ASSERT_EQ(fchmod(roots.get(), 0060), 0);
  // Of this thread alone, which ends.
  std::thread([&] {
    ASSERT_EQ(syscall(SYS_setgroups, 1, &kGroup), 0);
    {
      const auto credentials = FileCredentials::ActAs(kNobody);
      ASSERT_TRUE(credentials.ok()) << credentials.status();
      EXPECT_FALSE(MayWrite(fd));
      EXPECT_FALSE(MayWrite(roots));
    }
    gid_t group = 0;
    EXPECT_EQ(getgroups(1, &group), 1);
    EXPECT_EQ(group, kGroup);
    EXPECT_EQ(setfsgid(static_cast<gid_t>(-1)), 0);
  }).join();
}

// A filter of system calls may have other ideas than the capabilities: an error, and no more.
TEST(FileCredentialsTest, WhatIsNotLetThroughIsAnError) {
  for (const int denied : {SYS_capset, SYS_setfsuid, SYS_setgroups}) {
    ForkedChild child([denied] {
      sock_filter filter[] = {
          BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(denied), 0, 1),
          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
      const sock_fprog program = {4, filter};
      if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
          prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        return 1;
      }
      return absl::IsPermissionDenied(FileCredentials::ActAs(kNobody).status()) ? 0 : 2;
    });
    EXPECT_EQ(child.Reap(), 0) << denied;
  }
}

TEST(FileCredentialsTest, IsOfTheThreadAlone) {
  const UniqueFd roots = FileOf(0);
  constexpr gid_t kGroup = 61007;
  absl::Notification acts, is_there;
  bool other_may = false;
  gid_t other_group = 0;
  // There before, with groups of its own: a new one would inherit.
  std::thread other([&] {
    EXPECT_EQ(syscall(SYS_setgroups, 1, &kGroup), 0);
    is_there.Notify();
    acts.WaitForNotification();
    other_may = MayWrite(roots) && MayChangeMode(roots);
    EXPECT_EQ(getgroups(1, &other_group), 1);
  });
  is_there.WaitForNotification();
  {
    const auto credentials = FileCredentials::ActAs(kNobody);
    EXPECT_TRUE(credentials.ok()) << credentials.status();
    acts.Notify();
    other.join();
    EXPECT_FALSE(MayWrite(roots));
  }
  EXPECT_TRUE(other_may);
  EXPECT_EQ(other_group, kGroup);
}

TEST(FileCredentialsTest, MovedIsRestoredOnce) {
  const UniqueFd roots = FileOf(0);
  auto credentials = FileCredentials::ActAs(kNobody);
  ASSERT_TRUE(credentials.ok()) << credentials.status();
  { const FileCredentials moved = *std::move(credentials); }
  EXPECT_TRUE(MayWrite(roots));
  const auto again = FileCredentials::ActAs(kNobody);
  ASSERT_TRUE(again.ok()) << again.status();
  // What was moved from has nothing to restore.
  credentials = absl::CancelledError();
  EXPECT_FALSE(MayWrite(roots));
}

// As the unit has the daemon run: a user of its own, with CAP_FOWNER and without CAP_SETUID.
bool BecomeDaemonUser() {
  if (prctl(PR_SET_KEEPCAPS, 1) != 0 || setresuid(kSomebody, kSomebody, kSomebody) != 0) {
    return false;
  }
  const uint32_t kept = 1u << CAP_FOWNER | 1u << CAP_DAC_READ_SEARCH;
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct data[2] = {{kept, kept, 0}, {0, 0, 0}};
  return syscall(SYS_capset, &header, data) == 0;
}

TEST(FileCredentialsTest, WithoutSetuidItIsTheDaemonsUserWithoutPowers) {
  const UniqueFd nobodys = FileOf(kNobody);
  const UniqueFd own = FileOf(kSomebody);
  ForkedChild child([&] {
    if (!BecomeDaemonUser() || !MayChangeMode(nobodys)) return 1;
    {
      const auto credentials = FileCredentials::ActAs(kNobody);
      if (!credentials.ok()) return 2;
      if (MayChangeMode(nobodys) || MayWrite(nobodys) || !MayWrite(own)) return 3;
    }
    return MayChangeMode(nobodys) ? 0 : 4;
  });
  EXPECT_EQ(child.Reap(), 0);
}

TEST(FileCredentialsTest, RootWithoutSetuidIsRefused) {
  ForkedChild child([] {
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    const __user_cap_data_struct data[2] = {{1u << CAP_FOWNER, 1u << CAP_FOWNER, 0}, {0, 0, 0}};
    if (syscall(SYS_capset, &header, data) != 0) return 1;
    const absl::Status status = FileCredentials::ActAs(kNobody).status();
    return absl::IsPermissionDenied(status) && FileCredentials::ActAs(0).ok() ? 0 : 2;
  });
  EXPECT_EQ(child.Reap(), 0);
}

}  // namespace
}  // namespace pagemapd
