#ifndef PAGEMAPD_TESTS_TESTING_RUNFILE_H_
#define PAGEMAPD_TESTS_TESTING_RUNFILE_H_

#include <string>

#include "absl/strings/string_view.h"

namespace pagemapd {

// Path of a file that the running test has in its `data`, by its path from the repository root,
// such as "daemon/pagemapd".
std::string Runfile(absl::string_view path);

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_TESTING_RUNFILE_H_
