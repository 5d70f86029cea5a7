#include "cli/output/printable_text.h"

#include <cstdint>

#include "absl/strings/str_cat.h"

namespace pagemapd {
namespace {

// A code point and the bytes it takes; no bytes if the text is not UTF-8 there.
struct CodePoint {
  uint32_t value = 0;
  size_t size = 0;
};

CodePoint Decode(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return {first, 1};
  size_t size = 0;
  uint32_t value = 0;
  uint32_t smallest = 0;
  if ((first & 0xe0) == 0xc0) {
    size = 2, value = first & 0x1f, smallest = 0x80;
  } else if ((first & 0xf0) == 0xe0) {
    size = 3, value = first & 0x0f, smallest = 0x800;
  } else if ((first & 0xf8) == 0xf0) {
    size = 4, value = first & 0x07, smallest = 0x10000;
  }
  if (size == 0 || size > text.size()) return {};
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3f);
  }
  const bool surrogate = value >= 0xd800 && value < 0xe000;
  if (value < smallest || value > 0x10ffff || surrogate) return {};
  return {value, size};
}

// C0, DEL and C1 controls, line separators, zero-width and bidirectional controls.
bool IsHarmful(uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || c == 0x061c;
}

}  // namespace

std::string PrintableText(absl::string_view bytes, bool utf8) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const CodePoint c = Decode(bytes);
    const size_t size = c.size == 0 ? 1 : c.size;
    if (c.size != 0 && !IsHarmful(c.value) && (utf8 || c.value < 0x80)) {
      text.append(bytes.data(), size);
    } else {
      for (size_t i = 0; i < size; ++i) {
        absl::StrAppend(&text, "\\x", absl::Hex(static_cast<uint8_t>(bytes[i]), absl::kZeroPad2));
      }
    }
    bytes.remove_prefix(size);
  }
  return text;
}

size_t TextColumns(absl::string_view text) {
  size_t columns = 0;
  for (const char c : text) columns += (static_cast<uint8_t>(c) & 0xc0) != 0x80;
  return columns;
}

std::string KeepTail(absl::string_view text, size_t columns, bool utf8) {
  size_t have = TextColumns(text);
  if (have <= columns) return std::string(text);
  if (columns == 0) return "";
  while (have >= columns) {
    size_t size = 1;
    while (size < text.size() && (static_cast<uint8_t>(text[size]) & 0xc0) == 0x80) ++size;
    text.remove_prefix(size);
    --have;
  }
  return absl::StrCat(utf8 ? "…" : "~", text);
}

}  // namespace pagemapd
