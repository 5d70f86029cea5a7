#ifndef PAGEMAPD_DAEMON_SERVICE_ACCESS_ACCESS_POLICY_H_
#define PAGEMAPD_DAEMON_SERVICE_ACCESS_ACCESS_POLICY_H_

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/service/access/caller.h"
#include "daemon/service/access/caller_rights.h"

namespace pagemapd {

// Who may what: a policy file, with every name in it looked up. Immutable; safe for any thread.
class AccessPolicy {
 public:
  // Longest policy file.
  static constexpr size_t kMaxBytes = 1 << 20;

  // No grants: root may all, everyone may inspect their own.
  AccessPolicy() = default;

  // Parses the text of a policy (policy.proto). User and group names are looked up now, by
  // getpwnam(3) and getgrnam(3), which may block. INVALID_ARGUMENT, naming `shown`, the line or the
  // grant, and the value.
  static absl::StatusOr<AccessPolicy> Parse(const std::string& text, absl::string_view shown);
  // The same of a file. Refuses one that everyone may write (FAILED_PRECONDITION).
  static absl::StatusOr<AccessPolicy> Read(const std::string& path);

  size_t grants() const { return grants_.size(); }

  CallerRights RightsOf(const Caller& caller) const;

 private:
  struct Grant {
    std::vector<uid_t> users;
    std::vector<gid_t> groups;
    std::vector<std::string> certificate_names;
    std::vector<Right> rights;
    CallerRights::Scope scope;

    bool Covers(const Caller& caller) const;
  };

  std::vector<Grant> grants_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_ACCESS_ACCESS_POLICY_H_
