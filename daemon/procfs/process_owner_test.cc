#include "daemon/procfs/process_owner.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_replace.h"
#include "daemon/procfs/proc_root.h"
#include "daemon/sys/forked_child.h"

namespace pagemapd {
namespace {

constexpr char kStatus[] =
    "Name:\tx\\nUid:\t0\t0\t0\t0\n"
    "Umask:\t0022\nState:\tS (sleeping)\nTgid:\t42\nPPid:\t1\nTracerPid:\t0\n"
    "Uid:\t1000\t1001\t1002\t1003\n"
    "Gid:\t2000\t2001\t2002\t2003\n"
    "FDSize:\t64\nGroups:\t4 24 \n"
    "CapInh:\t0000000000000000\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000000000\n";

TEST(ProcessOwnerTest, ParsesStatus) {
  const auto owner = ParseProcessStatus(kStatus);
  ASSERT_TRUE(owner.ok()) << owner.status();
  EXPECT_EQ(owner->uids, (std::array<uid_t, 4>{1000, 1001, 1002, 1003}));
  EXPECT_EQ(owner->gids, (std::array<gid_t, 4>{2000, 2001, 2002, 2003}));
  EXPECT_TRUE(owner->has_capabilities);
  EXPECT_FALSE(owner->IsOfUser(1000));
}

TEST(ProcessOwnerTest, RefusesWhatTheKernelDoesNotWrite) {
  const struct {
    const char* from;
    const char* to;
  } kChanges[] = {
      {"\nUid:", "\nVid:"},
      {"\nGid:", "\nHid:"},
      {"CapPrm:", "CapXxx:"},
      {"1000\t1001", "1000"},
      {"1003\n", "1003\t7\n"},
      {"\t1000", "\t-1"},
      {"\t1000", "\t4294967296"},
      {"\t2000", "\t0x10"},
      {"000001ffffffffff", "000001fffffffffg"},
      {"000001ffffffffff", ""},
      // Twice: which is the one?
      {"FDSize:\t64", "Uid:\t0\t0\t0\t0"},
      {"FDSize:\t64", "CapPrm:\t0"},
  };
  for (const auto& change : kChanges) {
    const std::string text = absl::StrReplaceAll(kStatus, {{change.from, change.to}});
    ASSERT_NE(text, kStatus);
    EXPECT_EQ(ParseProcessStatus(text).status().code(), absl::StatusCode::kDataLoss)
        << change.from << " " << change.to;
  }
  EXPECT_FALSE(ParseProcessStatus("").ok());
}

NamespaceId OwnNamespace() {
  const auto self = Process::Open(ProcRoot(), getpid(), 0);
  EXPECT_TRUE(self.ok()) << self.status();
  const auto user_namespace = UserNamespaceOf(*self);
  EXPECT_TRUE(user_namespace.ok()) << user_namespace.status();
  return *user_namespace;
}

ProcessOwner OwnerOf(pid_t pid) {
  const auto process = Process::Open(ProcRoot(), pid, 0);
  EXPECT_TRUE(process.ok()) << process.status();
  const auto owner = ReadProcessOwner(*process, OwnNamespace());
  EXPECT_TRUE(owner.ok()) << owner.status();
  return owner.value_or(ProcessOwner());
}

TEST(ProcessOwnerTest, ReadsLiveProcesses) {
  EXPECT_TRUE(OwnerOf(getpid()).IsOfUser(0));
  EXPECT_TRUE(OwnerOf(getpid()).has_capabilities);
  EXPECT_FALSE(OwnerOf(getpid()).in_other_user_namespace);

  const ForkedChild user = ForkedChild::Prepared([] {
    return syscall(SYS_setresgid, 32001, 32001, 32001) == 0 &&
           syscall(SYS_setresuid, 31001, 31001, 31001) == 0;
  });
  ProcessOwner owner = OwnerOf(user.pid());
  EXPECT_TRUE(owner.IsOfUser(31001));
  EXPECT_TRUE(owner.IsOfGroup(32001));
  EXPECT_FALSE(owner.has_capabilities);
  // A change of ids ends being dumpable.
  EXPECT_EQ(owner.file_owner, 0u);

  const ForkedChild dumpable = ForkedChild::Prepared([] {
    return syscall(SYS_setresuid, 31001, 31001, 31001) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0;
  });
  EXPECT_EQ(OwnerOf(dumpable.pid()).file_owner, 31001u);

  // Not unshare(2), which takes a process of one thread: a sanitizer's has two.
  const pid_t cloned =
      syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (cloned == 0) {
    syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
    while (true) syscall(SYS_pause);
  }
  ASSERT_GT(cloned, 0);
  const ForkedChild elsewhere = ForkedChild::Adopt(cloned);
  EXPECT_TRUE(OwnerOf(elsewhere.pid()).in_other_user_namespace);
}

TEST(ProcessOwnerTest, AProcessThatIsGoneIsNotFound) {
  ForkedChild child(PauseForever);
  const auto process = Process::Open(ProcRoot(), child.pid(), 0);
  ASSERT_TRUE(process.ok());
  const NamespaceId self = OwnNamespace();
  kill(child.pid(), SIGKILL);
  child.Reap();
  EXPECT_EQ(ReadProcessOwner(*process, self).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace pagemapd
