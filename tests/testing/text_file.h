#ifndef PAGEMAPD_TESTS_TESTING_TEXT_FILE_H_
#define PAGEMAPD_TESTS_TESTING_TEXT_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace pagemapd {

// errno as a status whose message is "ATTEMPTED: what errno means".
absl::Status ErrnoError(absl::string_view attempted);

// Whole content of a small file, such as one of /proc or /sys.
absl::StatusOr<std::string> ReadText(const std::string& path);

// Writes `text` by one write(2), as sysfs wants it. Never creates a file.
absl::Status WriteText(const std::string& path, absl::string_view text);

// The number after `name` in a file of "NAME NUMBER" or "NAME: NUMBER kB" lines, such as
// /proc/vmstat and /proc/meminfo. NOT_FOUND if there is no such line.
absl::StatusOr<uint64_t> ReadField(const std::string& path, absl::string_view name);

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_TESTING_TEXT_FILE_H_
