#include "tests/service/access/access_cast.h"

#include <linux/capability.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <cstddef>
#include <functional>
#include <utility>

#include "tests/testing/memory_region.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

// Written, written and paged out, and never touched, in turn.
absl::Status MakeMemory(const TargetProcess& process, MemoryKind kind, uint64_t* address) {
  absl::StatusOr<MemoryRegion> region = MapRegion(process, kind, CastTarget::kPages);
  if (!region.ok()) return region.status();
  std::vector<PageRun> written, out;
  for (uint64_t page = 0; page + 4 <= CastTarget::kPages; page += 4) {
    written.push_back({page, 3});
    out.push_back({page + 1, 1});
  }
  if (absl::Status s = process.Write(region->address, written); !s.ok()) return s;
  if (absl::Status s = PageOutRuns(process, region->address, out); !s.ok()) return s;
  *address = region->address;
  return absl::OkStatus();
}

absl::Status Call(const TargetProcess& process, int64_t number, std::vector<uint64_t> args) {
  return process.Syscall(number, std::move(args)).status();
}

// Becomes kNobody's, with one capability left.
absl::Status KeepACapability(const TargetProcess& process) {
  absl::Status done = Call(process, SYS_prctl, {PR_SET_KEEPCAPS, 1});
  if (done.ok()) done = process.Become({kNobody, kNobody});
  if (!done.ok()) return done;
  // What capset(2) takes, in memory of the target's.
  struct {
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[2] = {{0, 1u << CAP_NET_BIND_SERVICE, 0}, {}};
  } call;
  absl::StatusOr<uint64_t> at =
      process.Map(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  if (!at.ok()) return at.status();
  const iovec from = {&call, sizeof(call)};
  const iovec to = {reinterpret_cast<void*>(*at), sizeof(call)};
  if (process_vm_writev(process.pid(), &from, 1, &to, 1, 0) != sizeof(call)) {
    return ErrnoError("process_vm_writev");
  }
  done = Call(process, SYS_capset, {*at, *at + offsetof(decltype(call), sets)});
  if (done.ok()) done = Call(process, SYS_prctl, {PR_SET_DUMPABLE, 1});
  return done;
}

}  // namespace

const std::vector<CastCaller>& CastCallers() {
  static const auto* callers = new std::vector<CastCaller>{
      {"root", {0, 0}},
      {"nobody", {kNobody, kNobody}},
      {"nobody, of the operators", {kNobody, kNobody, {kOperators - 1, kOperators, 61005}}},
      {"other", {kOther, kOther}},
      {"other, of the operators by primary group", {61004, kOperators}},
  };
  return *callers;
}

absl::StatusOr<std::vector<CastTarget>> StartCastTargets() {
  using Make = std::function<absl::Status(const TargetProcess&)>;
  const auto become = [](Identity who) -> Make {
    return [who = std::move(who)](const TargetProcess& process) { return process.Become(who); };
  };
  const auto then = [](Make first, int64_t number, std::vector<uint64_t> args) -> Make {
    return [first = std::move(first), number, args = std::move(args)](const auto& process) {
      absl::Status done = first(process);
      return done.ok() ? Call(process, number, args) : done;
    };
  };
  const Make nobody = become({kNobody, kNobody});
  struct Wanted {
    const char* name;
    Owner owner;
    Make make;
  };
  const std::vector<Wanted> all = {
      {"root's", {0, 0}, [](const TargetProcess&) { return absl::OkStatus(); }},
      {"nobody's", {kNobody, kNobody}, nobody},
      {"nobody's in another group", {kNobody, kOther}, become({kNobody, kOther})},
      {"the machines'", {kMachines, kMachines}, become({kMachines, kMachines})},
      {"other's", {kOther, kOther}, become({kOther, kOther})},
      {"nobody's, not dumpable",
       {kNobody, kNobody, false, false},
       then(nobody, SYS_prctl, {PR_SET_DUMPABLE, 0})},
      {"nobody's, with a capability", {kNobody, kNobody, false, false}, KeepACapability},
      {"nobody's, in a user namespace",
       {kNobody, kNobody, false, false},
       // Dumpable again: that is not what keeps others away.
       then(then(nobody, SYS_unshare, {CLONE_NEWUSER}), SYS_prctl, {PR_SET_DUMPABLE, 1})},
      {"nobody's, by its effective uid root's",
       {kNobody, kNobody, true},
       [](const TargetProcess& process) {
         absl::Status done = Call(process, SYS_setresgid, {kNobody, kNobody, kNobody});
         if (done.ok()) done = Call(process, SYS_setresuid, {kNobody, 0, kNobody});
         return done.ok() ? Call(process, SYS_prctl, {PR_SET_DUMPABLE, 1}) : done;
       }},
  };
  std::vector<CastTarget> targets;
  for (const Wanted& one : all) {
    absl::StatusOr<TargetProcess> process = TargetProcess::Start();
    if (!process.ok()) return process.status();
    CastTarget target = {one.name, one.owner, *std::move(process)};
    // First, so that the memory is its own.
    absl::Status made = one.make(target.process);
    if (made.ok()) made = MakeMemory(target.process, MemoryKind::kMemfd, &target.shared);
    if (made.ok()) {
      made = MakeMemory(target.process, MemoryKind::kPrivateAnon, &target.anonymous);
    }
    if (!made.ok()) return made;
    targets.push_back(std::move(target));
  }
  return targets;
}

}  // namespace pagemapd
