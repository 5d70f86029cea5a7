// The fixtures on the live kernel: they make what they say, and leave nothing behind, not even when
// the test that holds them is killed.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/testing/cgroup.h"
#include "tests/testing/knob.h"
#include "tests/testing/memory_region.h"
#include "tests/testing/swap_device.h"
#include "tests/testing/target_process.h"
#include "tests/testing/text_file.h"
#include "tests/testing/tmpfs_mount.h"

namespace pagemapd {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kKsmSleep[] = "/sys/kernel/mm/ksm/sleep_millisecs";

std::string Swaps() { return *ReadText("/proc/swaps"); }

TEST(SwapDeviceTest, ComesAndGoes) {
  for (SwapDevice::Kind kind : {SwapDevice::Kind::kZram, SwapDevice::Kind::kLoop}) {
    std::string path;
    {
      absl::StatusOr<SwapDevice> device = SwapDevice::Create(64 << 20, kind);
      ASSERT_TRUE(device.ok()) << device.status();
      path = device->path();
      EXPECT_THAT(Swaps(), HasSubstr(path + " "));
    }
    EXPECT_THAT(Swaps(), Not(HasSubstr(path + " ")));
  }
}

TEST(KnobTest, PutsBackWhatItFound) {
  std::string before = *ReadText(kKsmSleep);
  {
    absl::StatusOr<Knob> knob = Knob::Take(kKsmSleep);
    ASSERT_TRUE(knob.ok()) << knob.status();
    ASSERT_TRUE(knob->Set("37").ok());
    EXPECT_EQ(*knob->Get(), "37");
  }
  EXPECT_EQ(*ReadText(kKsmSleep), before);
  EXPECT_FALSE(Knob::Take("/sys/kernel/mm/no_such_knob").ok());
}

TEST(KnobTest, ReadsAListOfChoices) {
  absl::StatusOr<Knob> knob = Knob::Take("/sys/kernel/mm/transparent_hugepage/enabled");
  ASSERT_TRUE(knob.ok()) << knob.status();
  EXPECT_THAT(*knob->Get(), ::testing::AnyOf("always", "madvise", "never"));
}

// Holds one of everything until it is killed.
[[noreturn]] void HoldEverything() {
  absl::StatusOr<SwapDevice> zram = SwapDevice::Create(64 << 20);
  absl::StatusOr<SwapDevice> loop = SwapDevice::Create(64 << 20, SwapDevice::Kind::kLoop);
  absl::StatusOr<Knob> knob = Knob::Take(kKsmSleep);
  absl::StatusOr<Cgroup> cgroup = Cgroup::Create();
  absl::StatusOr<TmpfsMount> tmpfs = TmpfsMount::Create("huge=always");
  absl::StatusOr<TargetProcess> target = TargetProcess::Start();
  bool ready = zram.ok() && loop.ok() && knob.ok() && cgroup.ok() && tmpfs.ok() && target.ok() &&
               knob->Set("41").ok() && cgroup->Add(target->pid()).ok();
  if (!ready) _exit(1);
  absl::StatusOr<MemoryRegion> region = MapRegion(*target, MemoryKind::kDevShm, 64);
  if (!region.ok() || !Shape(*target, *region, MakeMix(Mix::kAllSwapped, 64, {}, 1)).ok()) _exit(1);
  absl::StatusOr<MemoryRegion> huge = tmpfs->MapFile(*target, 512);
  if (!huge.ok() || !target->Write(huge->address, {{0, 512}}).ok()) _exit(1);
  std::string line =
      absl::StrCat(zram->path(), " ", loop->path(), " ", tmpfs->directory(), " ", target->pid(),
                   " ", *ReadText(absl::StrCat("/proc/", target->pid(), "/cgroup")));
  if (write(STDOUT_FILENO, line.data(), line.size()) < 0) _exit(1);
  while (true) pause();
}

TEST(UndoEntryTest, OutlivesAKilledTest) {
  std::string knob_before = *ReadText(kKsmSleep);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  Fd out(ends[0]), in(ends[1]);
  char self[4096] = {};
  ASSERT_GT(readlink("/proc/self/exe", self, sizeof(self) - 1), 0);
  Subprocess::Options options;
  options.argv = {self};
  options.environment = {"PAGEMAPD_HOLD_EVERYTHING=1"};
  options.fds = {{in.get(), STDOUT_FILENO}};
  absl::StatusOr<Subprocess> holder = Subprocess::Start(options);
  ASSERT_TRUE(holder.ok()) << holder.status();
  in.Close();
  std::string said;
  char buffer[4096];
  // To the end of the first line: its children hold the other end too.
  while (said.find('\n') == std::string::npos) {
    ssize_t got = read(out.get(), buffer, sizeof(buffer));
    ASSERT_GT(got, 0) << said;
    said.append(buffer, got);
  }
  char zram[64], loop[64], tmpfs[64];
  int target = 0;
  ASSERT_EQ(sscanf(said.c_str(), "%63s %63s %63s %d", zram, loop, tmpfs, &target), 4) << said;
  ASSERT_THAT(said, HasSubstr("pagemapd-test-"));
  ASSERT_THAT(Swaps(), HasSubstr(absl::StrCat(zram, " ")));
  ASSERT_EQ(*ReadText(kKsmSleep), "41\n");
  ASSERT_THAT(*ReadText("/proc/self/mounts"), HasSubstr(absl::StrCat(" ", tmpfs, " ")));

  ASSERT_TRUE(holder->Signal(SIGKILL).ok());
  ASSERT_TRUE(holder->Wait(absl::Seconds(10)).ok());
  absl::Time deadline = absl::Now() + absl::Seconds(20);
  auto all_gone = [&] {
    return Swaps().find(absl::StrCat(zram, " ")) == std::string::npos &&
           Swaps().find(absl::StrCat(loop, " ")) == std::string::npos &&
           access(absl::StrCat("/sys/block/", zram + 5).c_str(), F_OK) != 0 &&
           access(tmpfs, F_OK) != 0 && *ReadText(kKsmSleep) == knob_before && kill(target, 0) != 0;
  };
  while (!all_gone() && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(50));
  EXPECT_TRUE(all_gone()) << Swaps();
  // In the order of their making, the last first: so once the first is gone, all are.
  EXPECT_FALSE(ReadText(absl::StrCat("/sys/block/", loop + 5, "/loop/backing_file")).ok());
}

TEST(CgroupTest, ReclaimDropsCopiesInTheSwapCache) {
  absl::StatusOr<SwapDevice> device = SwapDevice::Create(64 << 20, SwapDevice::Kind::kLoop);
  ASSERT_TRUE(device.ok()) << device.status();
  absl::StatusOr<Cgroup> cgroup = Cgroup::Create();
  ASSERT_TRUE(cgroup.ok()) << cgroup.status();
  absl::StatusOr<TargetProcess> target = TargetProcess::Start();
  ASSERT_TRUE(target.ok()) << target.status();
  ASSERT_TRUE(cgroup->Add(target->pid()).ok());
  constexpr uint64_t kPages = 2048;
  absl::StatusOr<MemoryRegion> region = MapRegion(*target, MemoryKind::kMemfd, kPages);
  ASSERT_TRUE(region.ok()) << region.status();
  absl::Status shaped = Shape(*target, *region, MakeMix(Mix::kAllSwapped, kPages, {}, 1));
  ASSERT_TRUE(shaped.ok()) << shaped;
  uint64_t before = *SwapCachedPages();
  EXPECT_GT(before, kPages / 2);
  // Once written.
  for (int i = 0; i < 100 && *SwapCachedPages() > before / 8; ++i) {
    absl::Status reclaimed = cgroup->ReclaimAll();
    ASSERT_TRUE(reclaimed.ok()) << reclaimed;
    absl::SleepFor(absl::Milliseconds(50));
  }
  EXPECT_LE(*SwapCachedPages(), before / 8);
}

TEST(TargetProcessTest, AnswersForksAndExecs) {
  absl::StatusOr<TargetProcess> target = TargetProcess::Start();
  ASSERT_TRUE(target.ok()) << target.status();
  EXPECT_EQ(*target->Syscall(SYS_getpid, {}), target->pid());
  EXPECT_FALSE(target->Syscall(SYS_close, {99}).ok());
  absl::StatusOr<TargetProcess> child = target->Fork();
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(*child->Syscall(SYS_getpid, {}), child->pid());
  EXPECT_NE(child->pid(), target->pid());
  EXPECT_EQ(*target->Syscall(SYS_getpid, {}), target->pid());
  absl::StatusOr<pid_t> zombie = target->MakeZombie();
  ASSERT_TRUE(zombie.ok());
  EXPECT_THAT(*ReadText(absl::StrCat("/proc/", *zombie, "/status")), HasSubstr("zombie"));
  ASSERT_TRUE(target->StartChurn().ok());
  absl::SleepFor(absl::Milliseconds(20));
  EXPECT_GT(*target->StopChurn(), 0);
  absl::StatusOr<uint64_t> at = target->Map(4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
  ASSERT_TRUE(at.ok());
  ASSERT_TRUE(target->Exec().ok());
  EXPECT_EQ(*target->Syscall(SYS_getpid, {}), target->pid());
  EXPECT_FALSE(target->Syscall(SYS_mprotect, {*at, 4096, PROT_NONE}).ok());
}

// What the oracle finds where the plan leaves no doubt, in every kind of memory and mix.
class RegionTest : public ::testing::TestWithParam<MemoryKind> {};

TEST_P(RegionTest, BecomesWhatIsWished) {
  absl::StatusOr<SwapDevice> device = SwapDevice::Create(256 << 20);
  ASSERT_TRUE(device.ok()) << device.status();
  constexpr uint64_t kPages = 4096;
  for (Mix mix : kMixes) {
    SCOPED_TRACE(Name(mix));
    absl::StatusOr<TargetProcess> target = TargetProcess::Start();
    ASSERT_TRUE(target.ok()) << target.status();
    absl::StatusOr<MemoryRegion> region = MapRegion(*target, GetParam(), kPages);
    ASSERT_TRUE(region.ok()) << region.status();
    std::vector<PageWish> plan = MakeMix(mix, kPages, WishesFor(GetParam()), 42);
    absl::Status shaped = Shape(*target, *region, plan);
    ASSERT_TRUE(shaped.ok()) << shaped;
    absl::StatusOr<std::vector<TruePage>> truth = TruthOf(target->pid(), *region, false);
    ASSERT_TRUE(truth.ok()) << truth.status();
    std::map<std::pair<PageWish, std::string>, int> wrong;
    bool object = region->backing == Backing::kShmem;
    for (uint64_t i = 0; i < kPages; ++i) {
      TrueState expected = TrueState::kHole;
      if (plan[i] == PageWish::kMapped) expected = TrueState::kMapped;
      if (plan[i] == PageWish::kSwapped) expected = TrueState::kSwapped;
      if (plan[i] == PageWish::kCached && object) expected = TrueState::kCached;
      if ((*truth)[i].state != expected) ++wrong[{plan[i], Name((*truth)[i].state)}];
    }
    for (const auto& [what, pages] : wrong) {
      ADD_FAILURE() << pages << " pages of wish " << static_cast<int>(what.first) << " are "
                    << what.second;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, RegionTest,
                         ::testing::Values(MemoryKind::kMemfd, MemoryKind::kDevShm,
                                           MemoryKind::kSysV, MemoryKind::kSharedAnon,
                                           MemoryKind::kPrivateAnon));

}  // namespace
}  // namespace pagemapd

int main(int argc, char** argv) {
  if (getenv("PAGEMAPD_HOLD_EVERYTHING") != nullptr) pagemapd::HoldEverything();
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
