#include "daemon/service/access/caller_rights.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/procfs/proc_root.h"
#include "daemon/procfs/process.h"
#include "daemon/sys/forked_child.h"

// The kernel is the oracle: a child that really is the caller really opens the target's pagemap.

namespace pagemapd {
namespace {

constexpr uid_t kUser = 31001;
constexpr uid_t kOther = 31002;
constexpr gid_t kGroup = 32001;
constexpr gid_t kOtherGroup = 32002;

// Threads of glibc would all change; a child has one.
bool Become(uid_t real, uid_t effective, uid_t saved, gid_t group, gid_t effective_group) {
  return syscall(SYS_setgroups, 0, nullptr) == 0 &&
         syscall(SYS_setresgid, group, effective_group, group) == 0 &&
         syscall(SYS_setresuid, real, effective, saved) == 0 &&
         // Every change of ids clears it.
         prctl(PR_SET_DUMPABLE, 1) == 0;
}

bool Become(uid_t uid, gid_t gid) { return Become(uid, uid, uid, gid, gid); }

bool BecomeWithCapability(uid_t uid, gid_t gid) {
  if (prctl(PR_SET_KEEPCAPS, 1) != 0 || !Become(uid, gid)) return false;
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  data[0].permitted = 1u << CAP_CHOWN;
  return syscall(SYS_capset, &header, data) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0;
}

// The kernel's own answer.
bool KernelLets(const Caller& caller, pid_t target) {
  ForkedChild child([&] {
    if (!Become(*caller.uid, caller.gid)) return 2;
    const std::string path = absl::StrCat("/proc/", target, "/pagemap");
    return open(path.c_str(), O_RDONLY) >= 0 ? 1 : 0;
  });
  const int answer = child.Reap();
  EXPECT_TRUE(answer == 0 || answer == 1);
  return answer == 1;
}

bool WeLet(const Caller& caller, pid_t target) {
  const auto self = Process::Open(ProcRoot(), getpid(), 0);
  const auto process = Process::Open(ProcRoot(), target, 0);
  if (!self.ok() || !process.ok()) {
    ADD_FAILURE() << self.status() << process.status();
    return false;
  }
  const auto user_namespace = UserNamespaceOf(*self);
  EXPECT_TRUE(user_namespace.ok()) << user_namespace.status();
  const auto owner = ReadProcessOwner(*process, *user_namespace);
  EXPECT_TRUE(owner.ok()) << owner.status();
  return CallerRights(caller).Inspect(*owner).has_value();
}

struct Target {
  const char* name;
  std::function<bool()> become;
  // The kernel lets the maker of a user namespace look into it; we let nobody.
  bool is_stricter = false;
};

std::vector<Target> Targets() {
  return {
      {"the caller's own", [] { return Become(kUser, kGroup); }},
      {"another user's", [] { return Become(kOther, kGroup); }},
      {"root's", [] { return true; }},
      {"own, of another group", [] { return Become(kUser, kOtherGroup); }},
      {"own, with another effective group",
       [] { return Become(kUser, kUser, kUser, kGroup, kOtherGroup); }},
      {"own, not dumpable", [] { return Become(kUser, kGroup) && prctl(PR_SET_DUMPABLE, 0) == 0; }},
      {"real uid another's", [] { return Become(kOther, kUser, kUser, kGroup, kGroup); }},
      {"effective uid another's", [] { return Become(kUser, kOther, kUser, kGroup, kGroup); }},
      {"saved uid another's", [] { return Become(kUser, kUser, kOther, kGroup, kGroup); }},
      {"saved uid root's", [] { return Become(kUser, kUser, 0, kGroup, kGroup); }},
      {"effective uid root's", [] { return Become(kUser, 0, kUser, kGroup, kGroup); }},
      {"own, with a capability", [] { return BecomeWithCapability(kUser, kGroup); }},
      {"own, with a capability and not dumpable",
       [] { return BecomeWithCapability(kUser, kGroup) && prctl(PR_SET_DUMPABLE, 0) == 0; }},
      {"own, in a pid namespace",
       [] { return unshare(CLONE_NEWPID) == 0 && Become(kUser, kGroup); }},
      {"own, in a user namespace",
       [] { return Become(kUser, kGroup) && unshare(CLONE_NEWUSER) == 0; },
       /*is_stricter=*/true},
      {"another's, in a user namespace",
       [] { return Become(kOther, kGroup) && unshare(CLONE_NEWUSER) == 0; },
       /*is_stricter=*/true},
  };
}

TEST(CallerRightsTest, OwnIsWhatTheKernelLetsACallerOpen) {
  ASSERT_EQ(geteuid(), 0u) << "takes root, to be other users";
  int compared = 0;
  int allowed = 0;
  for (const Target& target : Targets()) {
    const ForkedChild child = ForkedChild::Prepared(target.become);
    for (const uid_t uid : {kUser, kOther}) {
      for (const gid_t gid : {kGroup, kOtherGroup}) {
        Caller caller;
        caller.uid = uid;
        caller.gid = gid;
        const bool kernel = KernelLets(caller, child.pid());
        const bool we = WeLet(caller, child.pid());
        SCOPED_TRACE(absl::StrCat(target.name, ", uid ", uid, ", gid ", gid));
        if (target.is_stricter) {
          EXPECT_TRUE(kernel || !we);
          EXPECT_FALSE(we);
        } else {
          EXPECT_EQ(we, kernel);
        }
        ++compared;
        allowed += kernel;
      }
    }
  }
  printf("[ figure ] %d cases compared with the kernel's answer, %d of them allowed by it\n",
         compared, allowed);
  // The kernel says yes and no.
  EXPECT_GT(allowed, 3);
  EXPECT_LT(allowed, compared / 2);
}

TEST(CallerRightsTest, AProcessThatExecsASetuidProgramIsNotOwn) {
  const ForkedChild child = ForkedChild::Prepared([] { return Become(kUser, kGroup); });
  Caller caller;
  caller.uid = kUser;
  caller.gid = kGroup;
  ASSERT_TRUE(WeLet(caller, child.pid()));
  // su waits for a password, as root.
  int input[2];
  ASSERT_EQ(pipe(input), 0);
  int output[2];
  ASSERT_EQ(pipe(output), 0);
  const ForkedChild su([&] {
    if (!Become(kUser, kGroup)) return 1;
    dup2(input[0], STDIN_FILENO);
    dup2(output[1], STDOUT_FILENO);
    dup2(output[1], STDERR_FILENO);
    execl("/usr/bin/su", "su", "root", static_cast<char*>(nullptr));
    return 2;
  });
  close(output[1]);
  // What it says when it cannot ask would do as little as silence.
  std::string said;
  char some[64];
  ssize_t got = 0;
  while (said.find("assword") == std::string::npos &&
         (got = read(output[0], some, sizeof(some))) > 0) {
    said.append(some, got);
  }
  ASSERT_GT(got, 0) << "su does not ask for the password: " << said;
  EXPECT_FALSE(KernelLets(caller, su.pid()));
  EXPECT_FALSE(WeLet(caller, su.pid()));
  for (const int fd : {input[0], input[1], output[0]}) close(fd);
}

TEST(CallerRightsTest, ACertificateHasNoProcessesOfItsOwn) {
  Caller caller;
  caller.certificate_names = {"a.example"};
  ProcessOwner owner;
  EXPECT_FALSE(IsOwn(caller, owner));
  EXPECT_FALSE(CallerRights(caller).Inspect(owner).has_value());
  CallerRights granted(caller);
  CallerRights::Scope own;
  own.own = true;
  granted.Add(Right::kPageOut, own);
  EXPECT_FALSE(granted.PageOut(owner).has_value());
}

// A process as everyone's plain processes are.
ProcessOwner PlainOwner(uid_t uid, gid_t gid) {
  ProcessOwner owner;
  owner.uids.fill(uid);
  owner.gids.fill(gid);
  owner.file_owner = uid;
  return owner;
}

TEST(CallerRightsTest, PageOutByOwnAloneLeavesOthersFiles) {
  Caller caller;
  caller.uid = kUser;
  caller.gid = kGroup;
  const ProcessOwner mine = PlainOwner(kUser, kGroup);
  const ProcessOwner others = PlainOwner(kOther, kGroup);
  EXPECT_FALSE(CallerRights(caller).PageOut(mine).has_value());

  CallerRights::Scope own;
  own.own = true;
  CallerRights by_own(caller);
  by_own.Add(Right::kPageOut, own);
  // The right to look at everything does not widen it.
  CallerRights::Scope all;
  all.all = true;
  by_own.Add(Right::kInspect, all);
  ASSERT_TRUE(by_own.PageOut(mine).has_value());
  EXPECT_EQ(by_own.PageOut(mine)->objects_of, kUser);
  EXPECT_FALSE(by_own.PageOut(others).has_value());

  CallerRights::Scope of_user;
  of_user.users = {kUser};
  for (const CallerRights::Scope& wider : {all, of_user}) {
    CallerRights rights = by_own;
    rights.Add(Right::kPageOut, wider);
    ASSERT_TRUE(rights.PageOut(mine).has_value());
    EXPECT_FALSE(rights.PageOut(mine)->objects_of.has_value());
    EXPECT_EQ(rights.PageOut(others).has_value(), wider.all);
  }

  // Of another user's processes alone: one's own are still only one's own.
  of_user.users = {kOther};
  by_own.Add(Right::kPageOut, of_user);
  EXPECT_EQ(by_own.PageOut(mine)->objects_of, kUser);
  ASSERT_TRUE(by_own.PageOut(others).has_value());
  EXPECT_FALSE(by_own.PageOut(others)->objects_of.has_value());

  Caller root;
  root.uid = 0;
  CallerRights of_root(root);
  of_root.Add(Right::kPageOut, own);
  for (const ProcessOwner& owner : {mine, PlainOwner(0, 0)}) {
    ASSERT_TRUE(of_root.PageOut(owner).has_value());
    EXPECT_FALSE(of_root.PageOut(owner)->objects_of.has_value());
  }
}

}  // namespace
}  // namespace pagemapd
