#include "cli/output/json_string.h"

#include <algorithm>
#include <cstdint>
#include <string>

namespace pagemapd {

void AppendJsonString(absl::string_view bytes, fmt::memory_buffer& out) {
  const bool plain = std::all_of(bytes.begin(), bytes.end(), [](char c) {
    const uint8_t byte = static_cast<uint8_t>(c);
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
  });
  if (plain) {
    out.push_back('"');
    out.append(bytes.data(), bytes.data() + bytes.size());
    out.push_back('"');
    return;
  }
  const std::string text = JsonText(std::string(bytes), -1);
  out.append(text.data(), text.data() + text.size());
}

std::string JsonText(const nlohmann::ordered_json& document, int indent) {
  return document.dump(indent, ' ', /*ensure_ascii=*/false,
                       nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace pagemapd
