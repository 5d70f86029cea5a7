#ifndef PAGEMAPD_TESTS_SERVICE_ACCESS_ACCESS_MODEL_H_
#define PAGEMAPD_TESTS_SERVICE_ACCESS_ACCESS_MODEL_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/testing/identity.h"

namespace pagemapd {

// What policy.proto says of who may what, once more and apart from the daemon's code: a policy as
// rows, its text, and what follows from it.

struct GrantRow {
  std::vector<uid_t> users = {};
  std::vector<gid_t> groups = {};
  bool inspect = false, locations = false, page_out = false;
  bool all = false;
  std::vector<uid_t> of_user = {};
  bool own = false;
};

struct PolicyRow {
  const char* name;
  std::vector<GrantRow> grants = {};
};

// The policy as a file.
std::string TextOf(const PolicyRow& policy);

// What decides about a process that is asked about.
struct Owner {
  // All four ids; `mixed`: not all four are the same.
  uid_t uid = 0;
  gid_t gid = 0;
  bool mixed = false;
  // Dumpable, without capabilities, in the daemon's user namespace.
  bool plain = true;
};

struct Expected {
  bool inspect = false, locations = false, page_out = false;
};

Expected Expect(const PolicyRow& policy, const Identity& caller, const Owner& target);

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_SERVICE_ACCESS_ACCESS_MODEL_H_
