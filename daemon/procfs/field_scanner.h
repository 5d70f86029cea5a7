#ifndef PAGEMAPD_DAEMON_PROCFS_FIELD_SCANNER_H_
#define PAGEMAPD_DAEMON_PROCFS_FIELD_SCANNER_H_

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace pagemapd {

// Takes the fields off one line of a /proc file, from the left. Each function returns false, and
// takes nothing, if the text does not go on as asked. Numbers are what the kernel prints: no
// prefix, no '+', no space before them, '-' for a signed type alone, and none that the type cannot
// hold. Not thread-safe.
class FieldScanner {
 public:
  explicit FieldScanner(absl::string_view text) : rest_(text) {}

  bool Literal(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  template <typename Number>
  bool Decimal(Number* number) {
    return Parse(number, 10);
  }

  template <typename Number>
  bool Hex(Number* number) {
    return Parse(number, 16);
  }

  // Everything up to the next space, tab or the end: at least one byte.
  bool Word(absl::string_view* word) {
    *word = rest_.substr(0, rest_.find_first_of(" \t"));
    rest_.remove_prefix(word->size());
    return !word->empty();
  }

  // One or more of spaces and tabs.
  bool Blanks() {
    const size_t blanks = std::min(rest_.find_first_not_of(" \t"), rest_.size());
    rest_.remove_prefix(blanks);
    return blanks > 0;
  }

  // What is left.
  absl::string_view rest() const { return rest_; }

 private:
  template <typename Number>
  bool Parse(Number* number, int radix) {
    const char* end = rest_.data() + rest_.size();
    const std::from_chars_result result = std::from_chars(rest_.data(), end, *number, radix);
    if (result.ec != std::errc()) return false;
    rest_.remove_prefix(result.ptr - rest_.data());
    return true;
  }

  absl::string_view rest_;
};

// DATA_LOSS: "not a line of WHAT: \"LINE'S BEGINNING\"", with bytes that do not print escaped.
inline absl::Status MalformedLine(absl::string_view what, absl::string_view line) {
  constexpr size_t kQuotedBytes = 120;
  return absl::DataLossError(absl::StrCat("not a line of ", what, ": \"",
                                          absl::CHexEscape(line.substr(0, kQuotedBytes)),
                                          line.size() > kQuotedBytes ? "...\"" : "\""));
}

// Text in which the kernel (mangle_path in fs/seq_file.c) wrote some bytes as three octal digits
// behind a backslash. What is no such escape stays as it is.
std::string UnescapeOctal(absl::string_view text);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PROCFS_FIELD_SCANNER_H_
