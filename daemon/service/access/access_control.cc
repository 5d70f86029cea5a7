#include "daemon/service/access/access_control.h"

#include <spdlog/spdlog.h>

#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "daemon/query/target_error.h"

namespace pagemapd {
namespace {

// "process 42 of uid 0", and what else makes it nobody's own.
std::string Whose(const Process& process, const ProcessOwner& owner) {
  return absl::StrCat("process ", process.pid(), " of uid ", owner.uids[0],
                      owner.IsOfUser(owner.uids[0]) ? "" : " (set-user-ID)",
                      owner.IsOfGroup(owner.gids[0]) ? "" : " (set-group-ID)",
                      owner.file_owner != owner.uids[1] ? " (not dumpable)" : "",
                      owner.has_capabilities && owner.uids[0] != 0 ? " (with capabilities)" : "",
                      owner.in_other_user_namespace ? " (in another user namespace)" : "");
}

// Without its owner nothing can be decided.
absl::Status CannotTell(const absl::Status& error) {
  return TargetError(absl::IsNotFound(error)           ? TargetErrorReason::kNoSuchProcess
                     : absl::IsPermissionDenied(error) ? TargetErrorReason::kPermissionDenied
                                                       : TargetErrorReason::kInternal,
                     error.message());
}

}  // namespace

absl::StatusOr<std::unique_ptr<AccessControl>> AccessControl::Create(std::string path,
                                                                     const NamespaceId& self) {
  std::unique_ptr<AccessControl> control(new AccessControl(std::move(path), self));
  if (absl::Status status = control->Reload(); !status.ok()) return status;
  return control;
}

absl::Status AccessControl::Reload() {
  if (path_.empty()) return absl::OkStatus();
  absl::StatusOr<AccessPolicy> read = AccessPolicy::Read(path_);
  if (!read.ok()) {
    ++failures_;
    return read.status();
  }
  auto policy = std::make_shared<const AccessPolicy>(*std::move(read));
  absl::MutexLock lock(&mutex_);
  policy_ = std::move(policy);
  ++loads_;
  return absl::OkStatus();
}

std::shared_ptr<const CallerRights> AccessControl::RightsOf(const Caller& caller) const {
  return std::make_shared<const CallerRights>(policy()->RightsOf(caller));
}

absl::Status AccessControl::Deny(const Caller& caller, const ConnectedPids& pids, Right right,
                                 pid_t target, const std::string& whose) {
  Count(right);
  const std::string who = ToString(caller);
  if (const auto suppressed = log_limiter_.MayLog(who, absl::Now())) {
    spdlog::warn("denied right={} caller=\"{}\" pids={} target={} of=\"{}\" suppressed={}",
                 RightName(right), who, pids.ToString(), target, whose, *suppressed);
  }
  return TargetError(
      TargetErrorReason::kPermissionDenied,
      absl::StrCat("missing right ", RightName(right), ": ", who,
                   right == Right::kPageOut ? " may not page out " : " may not ask about ", whose));
}

AccessCheck AccessControl::Check(std::shared_ptr<const CallerRights> rights,
                                 std::shared_ptr<const ConnectedPids> pids, Decide decide) {
  return [this, rights = std::move(rights), pids = std::move(pids),
          decide](const Process& process) -> absl::StatusOr<TargetAccess> {
    const absl::StatusOr<ProcessOwner> owner = ReadProcessOwner(process, self_);
    if (!owner.ok()) return CannotTell(owner.status());
    const Decision decision = decide(*rights, *owner);
    if (decision.access.has_value()) return *decision.access;
    return Deny(rights->caller(), *pids, decision.missing, process.pid(), Whose(process, *owner));
  };
}

AccessCheck AccessControl::InspectCheck(std::shared_ptr<const CallerRights> rights,
                                        std::shared_ptr<const ConnectedPids> pids) {
  return Check(std::move(rights), std::move(pids),
               [](const CallerRights& caller, const ProcessOwner& owner) {
                 return Decision{caller.Inspect(owner), Right::kInspect};
               });
}

AccessCheck AccessControl::LocationsCheck(std::shared_ptr<const CallerRights> rights,
                                          std::shared_ptr<const ConnectedPids> pids) {
  return Check(std::move(rights), std::move(pids),
               [](const CallerRights& caller, const ProcessOwner& owner) {
                 const std::optional<TargetAccess> access = caller.Inspect(owner);
                 const bool lacks_locations = access.has_value() && !access->locations;
                 return lacks_locations ? Decision{std::nullopt, Right::kLocations}
                                        : Decision{access, Right::kInspect};
               });
}

AccessCheck AccessControl::PageOutCheck(std::shared_ptr<const CallerRights> rights,
                                        std::shared_ptr<const ConnectedPids> pids) {
  return Check(std::move(rights), std::move(pids),
               [](const CallerRights& caller, const ProcessOwner& owner) {
                 return Decision{caller.PageOut(owner), Right::kPageOut};
               });
}

}  // namespace pagemapd
