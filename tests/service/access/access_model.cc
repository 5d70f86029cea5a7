#include "tests/service/access/access_model.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace pagemapd {
namespace {

template <typename T>
bool Has(const std::vector<T>& values, T wanted) {
  return std::find(values.begin(), values.end(), wanted) != values.end();
}

bool IsFor(const GrantRow& grant, const Identity& caller) {
  if (Has(grant.users, caller.uid) || Has(grant.groups, caller.gid)) return true;
  return std::any_of(caller.groups.begin(), caller.groups.end(),
                     [&](gid_t group) { return Has(grant.groups, group); });
}

bool IsOwn(const Identity& caller, const Owner& target) {
  return target.plain && !target.mixed && target.uid == caller.uid && target.gid == caller.gid;
}

bool IsOf(const GrantRow& grant, const Identity& caller, const Owner& target) {
  return grant.all || (!target.mixed && Has(grant.of_user, target.uid)) ||
         (grant.own && IsOwn(caller, target));
}

}  // namespace

std::string TextOf(const PolicyRow& policy) {
  std::string text = absl::StrCat("# ", policy.name, "\n");
  for (const GrantRow& grant : policy.grants) {
    text += "grant {\n";
    for (uid_t user : grant.users) absl::StrAppend(&text, "  user: \"", user, "\"\n");
    for (gid_t group : grant.groups) absl::StrAppend(&text, "  group: \"", group, "\"\n");
    if (grant.inspect) text += "  right: INSPECT\n";
    if (grant.locations) text += "  right: LOCATIONS\n";
    if (grant.page_out) text += "  right: PAGEOUT\n";
    if (grant.all) text += "  all: true\n";
    for (uid_t user : grant.of_user) absl::StrAppend(&text, "  of_user: \"", user, "\"\n");
    if (grant.own) text += "  own: true\n";
    text += "}\n";
  }
  return text;
}

Expected Expect(const PolicyRow& policy, const Identity& caller, const Owner& target) {
  if (caller.uid == 0) return {true, true, true};
  Expected expected;
  expected.inspect = IsOwn(caller, target);
  for (const GrantRow& grant : policy.grants) {
    if (!IsFor(grant, caller) || !IsOf(grant, caller, target)) continue;
    expected.inspect |= grant.inspect;
    expected.locations |= grant.locations;
    expected.page_out |= grant.page_out;
  }
  // Without INSPECT there is nothing to tell the locations of.
  expected.locations &= expected.inspect;
  return expected;
}

}  // namespace pagemapd
