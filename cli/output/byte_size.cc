#include "cli/output/byte_size.h"

#include "absl/strings/str_cat.h"

namespace pagemapd {

std::string ByteSize(uint64_t bytes) {
  if (bytes < 1024) return absl::StrCat(bytes);
  static constexpr char kUnits[] = "KMGTPE";
  int unit = 0;
  uint64_t shift = 10;
  // 1023.5 of a unit would round to 1024: take the next one.
  while (unit < 5 && bytes >= (uint64_t{1} << (shift + 10)) - (uint64_t{1} << (shift - 1))) {
    ++unit;
    shift += 10;
  }
  const uint64_t whole = bytes >> shift;
  const uint64_t rest = bytes & ((uint64_t{1} << shift) - 1);
  const std::string suffix(1, kUnits[unit]);
  // In tenths; the rest is at most 60 bits, so it is scaled down before the multiplication.
  const uint64_t tenths = whole * 10 + (((rest >> (shift - 10)) * 10 + 512) >> 10);
  if (tenths < 100 && tenths % 10 != 0) {
    return absl::StrCat(tenths / 10, ".", tenths % 10, suffix);
  }
  if (tenths < 100) return absl::StrCat(tenths / 10, suffix);
  return absl::StrCat(whole + (rest >> (shift - 1)), suffix);
}

}  // namespace pagemapd
