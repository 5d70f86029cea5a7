#ifndef PAGEMAPD_CLI_METRICS_LABEL_TEXT_H_
#define PAGEMAPD_CLI_METRICS_LABEL_TEXT_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace pagemapd {

// Longer names are cut off, with "…" in place of the rest.
constexpr size_t kMaxLabelBytes = 4096;

// `bytes` (a process's name, a path) as a label's value between the quotes of Prometheus's text
// format: backslash, quote and newline escaped as it wants them. It knows only UTF-8: bytes that
// are not become "\xNN", as do control characters, which could steer a terminal.
std::string LabelText(absl::string_view bytes);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_METRICS_LABEL_TEXT_H_
