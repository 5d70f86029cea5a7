#ifndef PAGEMAPD_TESTS_SERVICE_ACCESS_ACCESS_CAST_H_
#define PAGEMAPD_TESTS_SERVICE_ACCESS_ACCESS_CAST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/service/access/access_model.h"
#include "tests/testing/identity.h"
#include "tests/testing/target_process.h"

namespace pagemapd {

// Who asks, and who is asked about, in the tests of access. The ids have no names on any machine.

inline constexpr uid_t kNobody = 65534;
inline constexpr uid_t kOther = 61003;
inline constexpr uid_t kMachines = 61010;
inline constexpr gid_t kOperators = 61001;

struct CastCaller {
  const char* name;
  Identity who;
};
// Root, uid 65534 alone and as a member of a group, and others.
const std::vector<CastCaller>& CastCallers();

// A process with memory in every state, each page next to one of another: `pages` of a memfd at
// `shared`, and of private anonymous memory at `anonymous`.
struct CastTarget {
  static constexpr uint64_t kPages = 512;

  const char* name = "";
  Owner owner;
  TargetProcess process;
  uint64_t shared = 0;
  uint64_t anonymous = 0;
};
// Of root, of uid 65534, and of others: dumpable and not, with capabilities, with ids that differ,
// in a user namespace of their own. Take a swap device first.
absl::StatusOr<std::vector<CastTarget>> StartCastTargets();

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_SERVICE_ACCESS_ACCESS_CAST_H_
