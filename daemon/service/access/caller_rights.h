#ifndef PAGEMAPD_DAEMON_SERVICE_ACCESS_CALLER_RIGHTS_H_
#define PAGEMAPD_DAEMON_SERVICE_ACCESS_CALLER_RIGHTS_H_

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/procfs/process_owner.h"
#include "daemon/query/target_access.h"
#include "daemon/service/access/caller.h"

namespace pagemapd {

// The numbers are those of the policy file (policy.proto).
enum class Right { kInspect = 1, kLocations = 2, kPageOut = 3 };
inline constexpr Right kRights[] = {Right::kInspect, Right::kLocations, Right::kPageOut};

// "inspect", "locations", "pageout".
const char* RightName(Right right);

// Whether the kernel would let `caller` look at the process (PTRACE_MODE_READ_FSCREDS of
// __ptrace_may_access in kernel/ptrace.c): all four user ids are the caller's and all four group
// ids its group, the process is dumpable, has no capabilities, and is in the daemon's user
// namespace. Of processes with capabilities or in other namespaces the kernel may allow more; a
// security module may allow less.
bool IsOwn(const Caller& caller, const ProcessOwner& owner);

// What one caller may, of whose processes. Everyone may inspect their own.
class CallerRights {
 public:
  explicit CallerRights(Caller caller) : caller_(std::move(caller)) {}

  // Of which processes a right is granted. Adds to what is there.
  struct Scope {
    bool all = false;
    bool own = false;
    std::vector<uid_t> users;
  };
  void Add(Right right, const Scope& scope);

  const Caller& caller() const { return caller_; }
  // Whether anything but the default was granted.
  bool has_grants() const { return has_grants_; }

  // Whether a grant, or being root, gives it.
  bool Allows(Right right, const ProcessOwner& owner) const;
  // What a scan of the process may tell. Nullopt: nothing.
  std::optional<TargetAccess> Inspect(const ProcessOwner& owner) const;
  // What a page-out of the process may touch, and tell of by its outcomes. By a grant of `own`
  // alone it is what the kernel would do for the caller: no pages of other users' files
  // (can_do_file_pageout in mm/madvise.c). Nullopt: nothing.
  std::optional<TargetAccess> PageOut(const ProcessOwner& owner) const;

  // A line a right: "inspect: all processes", "pageout: processes of uid 64055".
  std::vector<std::string> Describe() const;

 private:
  // Allows, but for what the caller's own processes are allowed as such.
  bool AllowsAnyones(Right right, const ProcessOwner& owner) const;
  const Scope& scope(Right right) const { return scopes_[static_cast<size_t>(right) - 1]; }

  Caller caller_;
  std::array<Scope, 3> scopes_;
  bool has_grants_ = false;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_ACCESS_CALLER_RIGHTS_H_
