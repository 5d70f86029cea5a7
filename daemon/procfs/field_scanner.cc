#include "daemon/procfs/field_scanner.h"

namespace pagemapd {

std::string UnescapeOctal(absl::string_view text) {
  const auto octal = [&text](size_t i, char most) { return '0' <= text[i] && text[i] <= most; };
  std::string plain;
  plain.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && octal(i + 1, '3') && octal(i + 2, '7') &&
        octal(i + 3, '7')) {
      plain += static_cast<char>((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 |
                                 (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

}  // namespace pagemapd
