#ifndef PAGEMAPD_DAEMON_SERVICE_ACCESS_CALLER_H_
#define PAGEMAPD_DAEMON_SERVICE_ACCESS_CALLER_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace pagemapd {

// Who asks, as the kernel or a certificate authority vouches for it.
struct Caller {
  // Of the process that called connect(2), then. Absent over TCP.
  std::optional<uid_t> uid;
  gid_t gid = 0;
  // Supplementary groups, sorted.
  std::vector<gid_t> groups;
  // Over TCP: the subject alternative names of the client's certificate.
  std::vector<std::string> certificate_names;

  friend bool operator<(const Caller& a, const Caller& b) {
    return std::tie(a.uid, a.gid, a.groups, a.certificate_names) <
           std::tie(b.uid, b.gid, b.groups, b.certificate_names);
  }

  bool IsRoot() const { return uid == uid_t{0}; }
  bool IsInGroup(gid_t group) const {
    return uid.has_value() && (gid == group || absl::c_binary_search(groups, group));
  }
};

// "uid 1000", "certificate host.example,10.0.0.1"; what is not plain text in a name is escaped.
inline std::string ToString(const Caller& caller) {
  if (caller.uid.has_value()) return absl::StrCat("uid ", *caller.uid);
  return absl::StrCat("certificate ", absl::CEscape(absl::StrJoin(caller.certificate_names, ",")));
}

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_ACCESS_CALLER_H_
