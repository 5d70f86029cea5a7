// AccessPolicy::Parse, and what follows from a policy for callers it may or may not name.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "daemon/service/access/access_policy.h"
#include "daemon/service/access/caller.h"
#include "daemon/service/access/caller_rights.h"
#include "tests/fuzz/require.h"

namespace pagemapd {
namespace {

constexpr char kShown[] = "some.policy";

ProcessOwner OwnerOf(uid_t uid) {
  ProcessOwner owner;
  owner.uids.fill(uid);
  owner.gids.fill(uid);
  owner.file_owner = uid;
  return owner;
}

void RequireInvalid(const absl::Status& status, size_t text_bytes) {
  REQUIRE(status.code() == absl::StatusCode::kInvalidArgument);
  REQUIRE(absl::StartsWith(status.message(), kShown));
  // The value that is wrong, each byte of it escaped at worst.
  REQUIRE(status.message().size() < 4 * text_bytes + 512);
}

void CheckRights(const AccessPolicy& policy, const Caller& caller) {
  const CallerRights rights = policy.RightsOf(caller);
  REQUIRE(rights.caller().uid == caller.uid);
  REQUIRE(rights.Describe().size() <= std::size(kRights));
  for (const uid_t uid : {uid_t{0}, uid_t{1}, uid_t{65534}}) {
    const ProcessOwner owner = OwnerOf(uid);
    const std::optional<TargetAccess> access = rights.Inspect(owner);
    // Nobody is told locations, or by a grant at all, who was not granted it.
    const bool root = caller.IsRoot();
    for (const Right right : kRights) {
      REQUIRE(!rights.Allows(right, owner) || root || policy.grants() > 0);
    }
    REQUIRE(!root || (access.has_value() && access->locations));
    REQUIRE(!access.has_value() || !access->locations || rights.Allows(Right::kLocations, owner));
    const bool own = caller.uid == uid && caller.gid == uid;
    REQUIRE(access.has_value() == (rights.Allows(Right::kInspect, owner) || own));
  }
}

}  // namespace
}  // namespace pagemapd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using pagemapd::AccessPolicy;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<AccessPolicy> policy = AccessPolicy::Parse(text, pagemapd::kShown);
  if (!policy.ok()) {
    pagemapd::RequireInvalid(policy.status(), size);
    return 0;
  }
  pagemapd::Caller caller;
  pagemapd::CheckRights(*policy, caller);
  caller.certificate_names = {"host.example", "spiffe://cluster/agent"};
  pagemapd::CheckRights(*policy, caller);
  caller.certificate_names.clear();
  for (const uid_t uid : {0, 1, 1000, 65534}) {
    caller.uid = uid;
    caller.gid = uid;
    caller.groups = {4, 27, 61001};
    pagemapd::CheckRights(*policy, caller);
  }
  return 0;
}
