#include "daemon/procfs/meminfo.h"

#include <unistd.h>

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "daemon/procfs/field_scanner.h"
#include "daemon/procfs/line_reader.h"

namespace pagemapd {
namespace {

// Makes every CPU fold its counts into the system's. A read does as well as a write.
bool RefreshCounters(const ProcRoot& root) {
  absl::StatusOr<UniqueFd> fd = root.Open("sys/vm/stat_refresh");
  char byte;
  return fd.ok() && read(fd->get(), &byte, 1) >= 0;
}

}  // namespace

absl::StatusOr<SwapMeminfo> ReadSwapMeminfo(const ProcRoot& root) {
  absl::StatusOr<UniqueFd> fd = root.Open("meminfo");
  if (!fd.ok()) return fd.status();
  const std::string shown = absl::StrCat(root.path(), "/meminfo");
  LineReader lines(*std::move(fd), shown);
  struct Field {
    absl::string_view name;
    std::optional<uint64_t> bytes;
  };
  Field fields[] = {{"SwapCached:", {}}, {"SwapTotal:", {}}, {"SwapFree:", {}}};
  while (true) {
    absl::StatusOr<std::optional<absl::string_view>> line = lines.Next();
    if (!line.ok()) return line.status();
    if (!line->has_value()) break;
    for (Field& field : fields) {
      absl::string_view value = **line;
      if (!absl::ConsumePrefix(&value, field.name)) continue;
      uint64_t kib = 0;
      // The kernel counts in kB of 1024 bytes.
      if (!absl::ConsumeSuffix(&value, " kB") || !absl::SimpleAtoi(value, &kib) ||
          kib > UINT64_MAX / 1024) {
        return MalformedLine("meminfo", **line);
      }
      field.bytes = kib * 1024;
    }
  }
  for (const Field& field : fields) {
    if (!field.bytes.has_value()) {
      return absl::DataLossError(absl::StrCat(shown, ": no line \"", field.name, "\""));
    }
  }
  return SwapMeminfo{*fields[0].bytes, *fields[1].bytes, *fields[2].bytes};
}

bool SwapCacheIsEmpty(const ProcRoot& root) {
  absl::StatusOr<SwapMeminfo> swap = ReadSwapMeminfo(root);
  if (!swap.ok()) return false;
  if (swap->free_bytes == swap->total_bytes) return true;
  if (!RefreshCounters(root)) return false;
  swap = ReadSwapMeminfo(root);
  return swap.ok() && swap->cached_bytes == 0;
}

}  // namespace pagemapd
