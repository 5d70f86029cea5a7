#ifndef PAGEMAPD_CLI_METRICS_FILE_REPLACEMENT_H_
#define PAGEMAPD_CLI_METRICS_FILE_REPLACEMENT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace pagemapd {

// Makes `path` a file of mode 0644 that holds `text`, in one step: whoever reads it finds all of
// the old one or all of the new one, after a crash of the machine too. FAILED_PRECONDITION if
// there is something else than a regular file, such as a device or a link, by that name, which is
// left alone; else what the system says. Errors name the file, and leave no other behind.
absl::Status ReplaceFile(const std::string& path, absl::string_view text);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_METRICS_FILE_REPLACEMENT_H_
