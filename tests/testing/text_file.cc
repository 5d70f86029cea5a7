#include "tests/testing/text_file.h"

#include <fcntl.h>
#include <string.h>

#include <cerrno>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tests/testing/fd.h"

namespace pagemapd {

absl::Status ErrnoError(absl::string_view attempted) {
  return absl::ErrnoToStatus(errno, attempted);
}

absl::StatusOr<std::string> ReadText(const std::string& path) {
  Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return ErrnoError("open " + path);
  std::string text;
  char buffer[16 << 10];
  while (true) {
    ssize_t got = read(fd.get(), buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoError("read " + path);
    if (got == 0) return text;
    text.append(buffer, got);
  }
}

absl::Status WriteText(const std::string& path, absl::string_view text) {
  Fd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return ErrnoError("open " + path);
  if (write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return ErrnoError(absl::StrCat("write ", text, " to ", path));
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> ReadField(const std::string& path, absl::string_view name) {
  absl::StatusOr<std::string> text = ReadText(path);
  if (!text.ok()) return text.status();
  for (absl::string_view line : absl::StrSplit(*text, '\n')) {
    if (!absl::ConsumePrefix(&line, name)) continue;
    if (!absl::ConsumePrefix(&line, ":") && !absl::ConsumePrefix(&line, " ")) continue;
    line = absl::StripAsciiWhitespace(line);
    uint64_t value;
    if (absl::SimpleAtoi(line.substr(0, line.find(' ')), &value)) return value;
  }
  return absl::NotFoundError(absl::StrCat("no line ", name, " in ", path));
}

}  // namespace pagemapd
