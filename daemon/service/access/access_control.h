#ifndef PAGEMAPD_DAEMON_SERVICE_ACCESS_ACCESS_CONTROL_H_
#define PAGEMAPD_DAEMON_SERVICE_ACCESS_ACCESS_CONTROL_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "daemon/procfs/process_owner.h"
#include "daemon/query/target_access.h"
#include "daemon/service/access/access_policy.h"
#include "daemon/service/access/caller.h"
#include "daemon/service/access/caller_rights.h"
#include "daemon/service/access/connected_pids.h"
#include "daemon/service/access/log_limiter.h"

namespace pagemapd {

// The policy in force, and its decisions. Denials are counted, and logged as far as LogLimiter lets
// them. Must outlive the checks.
// Safe for any thread.
class AccessControl {
 public:
  // `path` empty: no policy file. `self` is the daemon's own user namespace.
  static absl::StatusOr<std::unique_ptr<AccessControl>> Create(std::string path,
                                                               const NamespaceId& self);

  // Reads the policy file again. On an error what was in force stays.
  absl::Status Reload();

  // Empty: there is none.
  const std::string& path() const { return path_; }
  size_t grants() const { return policy()->grants(); }

  // What `caller` may, by the policy that is in force now.
  std::shared_ptr<const CallerRights> RightsOf(const Caller& caller) const;

  // Checks for one call, made while it is being begun; a policy that comes later is for the next.
  // `pids` is for the log.
  AccessCheck InspectCheck(std::shared_ptr<const CallerRights> rights,
                           std::shared_ptr<const ConnectedPids> pids);
  // To be told the locations, too, or nothing.
  AccessCheck LocationsCheck(std::shared_ptr<const CallerRights> rights,
                             std::shared_ptr<const ConnectedPids> pids);
  AccessCheck PageOutCheck(std::shared_ptr<const CallerRights> rights,
                           std::shared_ptr<const ConnectedPids> pids);

  // Counts an answer that was given without the locations that were asked for.
  void CountRedaction() { Count(Right::kLocations); }

  // For lines about what callers do.
  LogLimiter& log_limiter() { return log_limiter_; }

  uint64_t denials(Right right) const { return denials_[static_cast<size_t>(right) - 1]; }
  // Policies read, and those that could not be.
  uint64_t loads() const { return loads_; }
  uint64_t failures() const { return failures_; }

 private:
  AccessControl(std::string path, const NamespaceId& self)
      : path_(std::move(path)), self_(self), policy_(std::make_shared<const AccessPolicy>()) {}

  std::shared_ptr<const AccessPolicy> policy() const {
    absl::MutexLock lock(&mutex_);
    return policy_;
  }
  // What a caller may be told of a process, or the right that is missing.
  struct Decision {
    std::optional<TargetAccess> access;
    Right missing;
  };
  using Decide = Decision (*)(const CallerRights& rights, const ProcessOwner& owner);
  AccessCheck Check(std::shared_ptr<const CallerRights> rights,
                    std::shared_ptr<const ConnectedPids> pids, Decide decide);
  // Logs and counts a denial, and returns it as a TargetError. `whose` says whose process it is.
  absl::Status Deny(const Caller& caller, const ConnectedPids& pids, Right right, pid_t target,
                    const std::string& whose);
  void Count(Right right) { ++denials_[static_cast<size_t>(right) - 1]; }

  const std::string path_;
  const NamespaceId self_;
  mutable absl::Mutex mutex_;
  std::shared_ptr<const AccessPolicy> policy_ ABSL_GUARDED_BY(mutex_);
  std::array<std::atomic<uint64_t>, 3> denials_{};
  LogLimiter log_limiter_;
  std::atomic<uint64_t> loads_{0};
  std::atomic<uint64_t> failures_{0};
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_ACCESS_ACCESS_CONTROL_H_
