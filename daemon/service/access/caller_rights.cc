#include "daemon/service/access/caller_rights.h"

#include <optional>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace pagemapd {

const char* RightName(Right right) {
  switch (right) {
    case Right::kInspect:
      return "inspect";
    case Right::kLocations:
      return "locations";
    case Right::kPageOut:
      return "pageout";
  }
  return "";
}

bool IsOwn(const Caller& caller, const ProcessOwner& owner) {
  return caller.uid.has_value() && owner.IsOfUser(*caller.uid) && owner.IsOfGroup(caller.gid) &&
         owner.file_owner == *caller.uid && !owner.has_capabilities &&
         !owner.in_other_user_namespace;
}

void CallerRights::Add(Right right, const Scope& scope) {
  Scope& to = scopes_[static_cast<size_t>(right) - 1];
  to.all |= scope.all;
  to.own |= scope.own;
  to.users.insert(to.users.end(), scope.users.begin(), scope.users.end());
  has_grants_ = true;
}

bool CallerRights::AllowsAnyones(Right right, const ProcessOwner& owner) const {
  if (caller_.IsRoot()) return true;
  const Scope& granted = scope(right);
  return granted.all ||
         absl::c_any_of(granted.users, [&](uid_t uid) { return owner.IsOfUser(uid); });
}

bool CallerRights::Allows(Right right, const ProcessOwner& owner) const {
  return AllowsAnyones(right, owner) || (scope(right).own && IsOwn(caller_, owner));
}

std::optional<TargetAccess> CallerRights::Inspect(const ProcessOwner& owner) const {
  TargetAccess access;
  access.locations = Allows(Right::kLocations, owner);
  if (Allows(Right::kInspect, owner)) return access;
  if (!IsOwn(caller_, owner)) return std::nullopt;
  access.objects_of = caller_.uid;
  return access;
}

std::optional<TargetAccess> CallerRights::PageOut(const ProcessOwner& owner) const {
  if (!Allows(Right::kPageOut, owner)) return std::nullopt;
  TargetAccess access;
  if (!AllowsAnyones(Right::kPageOut, owner)) access.objects_of = caller_.uid;
  return access;
}

std::vector<std::string> CallerRights::Describe() const {
  std::vector<std::string> lines;
  for (const Right right : kRights) {
    const Scope& granted = scope(right);
    if (caller_.IsRoot() || granted.all) {
      lines.push_back(absl::StrCat(RightName(right), ": all processes"));
      continue;
    }
    std::vector<std::string> whose;
    if (caller_.uid.has_value() && (granted.own || right == Right::kInspect)) {
      whose.push_back("own processes");
    }
    for (const uid_t uid : granted.users) whose.push_back(absl::StrCat("processes of uid ", uid));
    if (whose.empty()) continue;
    lines.push_back(absl::StrCat(RightName(right), ": ", absl::StrJoin(whose, ", ")));
  }
  return lines;
}

}  // namespace pagemapd
