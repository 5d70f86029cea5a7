#include "daemon/procfs/meminfo.h"

#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "daemon/procfs/field_scanner.h"
#include "daemon/procfs/line_reader.h"

namespace pagemapd {

absl::StatusOr<uint64_t> SwapCachedBytes(const ProcRoot& root) {
  absl::StatusOr<UniqueFd> fd = root.Open("meminfo");
  if (!fd.ok()) return fd.status();
  const std::string shown = absl::StrCat(root.path(), "/meminfo");
  LineReader lines(*std::move(fd), shown);
  while (true) {
    absl::StatusOr<std::optional<absl::string_view>> line = lines.Next();
    if (!line.ok()) return line.status();
    if (!line->has_value()) break;
    absl::string_view value = **line;
    if (!absl::ConsumePrefix(&value, "SwapCached:")) continue;
    uint64_t kib = 0;
    // The kernel counts in kB of 1024 bytes.
    if (!absl::ConsumeSuffix(&value, " kB") || !absl::SimpleAtoi(value, &kib) ||
        kib > UINT64_MAX / 1024) {
      return MalformedLine("meminfo", **line);
    }
    return kib * 1024;
  }
  return absl::DataLossError(absl::StrCat(shown, ": no SwapCached line"));
}

}  // namespace pagemapd
