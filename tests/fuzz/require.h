#ifndef PAGEMAPD_TESTS_FUZZ_REQUIRE_H_
#define PAGEMAPD_TESTS_FUZZ_REQUIRE_H_

#include <cstdio>
#include <cstdlib>

#include "absl/status/status.h"

// A fuzz target's invariant: ends the process, for libFuzzer to see, where it does not hold.
#define REQUIRE(condition)                                                           \
  do {                                                                               \
    if (!(condition)) {                                                              \
      fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
      abort();                                                                       \
    }                                                                                \
  } while (false)

namespace pagemapd {

// The one error that a parser may answer text with: it says why.
inline void RequireDataLoss(const absl::Status& status) {
  REQUIRE(status.code() == absl::StatusCode::kDataLoss);
  REQUIRE(!status.message().empty());
  REQUIRE(status.message().size() < 1024);
}

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_FUZZ_REQUIRE_H_
