#ifndef PAGEMAPD_CLI_OUTPUT_JSON_STRING_H_
#define PAGEMAPD_CLI_OUTPUT_JSON_STRING_H_

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "absl/strings/string_view.h"

namespace pagemapd {

// `bytes` as a JSON string, quotes included. Bytes that are not UTF-8 become U+FFFD.
void AppendJsonString(absl::string_view bytes, fmt::memory_buffer& out);

// `document` as JSON text, `indent` spaces a level, or on one line for -1. Strings as above.
std::string JsonText(const nlohmann::ordered_json& document, int indent);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_OUTPUT_JSON_STRING_H_
