#ifndef PAGEMAPD_TESTS_TESTING_CTL_RUN_H_
#define PAGEMAPD_TESTS_TESTING_CTL_RUN_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/testing/identity.h"

namespace pagemapd {

struct CtlResult {
  // -1 if it was killed by a signal.
  int exit_code = -1;
  // Empty where a line callback took it.
  std::string out;
  std::string err;
};

// Runs pagemapctl with `args` and waits for its end, at most two minutes. `on_line` is called with
// each line of its output as it comes, without the newline. Any thread.
absl::StatusOr<CtlResult> RunCtl(const std::string& address, const std::vector<std::string>& args,
                                 const std::function<void(absl::string_view)>& on_line = nullptr);

// The same, as `who`.
absl::StatusOr<CtlResult> RunCtlAs(const Identity& who, const std::string& address,
                                   const std::vector<std::string>& args);

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_TESTING_CTL_RUN_H_
