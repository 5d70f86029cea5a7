#include "cli/vm/json_object_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace pagemapd {
namespace {

constexpr size_t kShownBytes = 40;

}  // namespace

absl::StatusOr<std::optional<std::string>> JsonObjectReader::Next() {
  if (scanned_ == 0) {
    text_.erase(0,
                std::find_if_not(text_.begin(), text_.end(), absl::ascii_isspace) - text_.begin());
    if (text_.empty()) return std::nullopt;
    if (text_[0] != '{') {
      return absl::DataLossError(
          absl::StrCat("not a JSON object: \"", absl::CEscape(text_.substr(0, kShownBytes)), "\""));
    }
  }
  while (scanned_ < text_.size()) {
    if (scanned_ >= max_bytes_) {
      return absl::ResourceExhaustedError(
          absl::StrCat("a message of more than ", max_bytes_, " bytes"));
    }
    const char c = text_[scanned_++];
    if (in_string_) {
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = true;
      } else if (c == '"') {
        in_string_ = false;
      }
      continue;
    }
    if (c == '"') in_string_ = true;
    if (c == '{' || c == '[') {
      if (++depth_ > max_depth_) {
        return absl::ResourceExhaustedError(
            absl::StrCat("a message more than ", max_depth_, " levels deep"));
      }
    }
    if (c == '}' || c == ']') {
      if (--depth_ > 0) continue;
      std::string object = text_.substr(0, scanned_);
      text_.erase(0, std::exchange(scanned_, 0));
      return object;
    }
  }
  return std::nullopt;
}

}  // namespace pagemapd
