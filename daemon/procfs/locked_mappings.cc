#include "daemon/procfs/locked_mappings.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "daemon/procfs/field_scanner.h"
#include "daemon/procfs/line_reader.h"

namespace pagemapd {
namespace {

// Whether the process has locked memory.
absl::StatusOr<bool> HasLocked(const Process& process, const std::string& shown) {
  absl::StatusOr<UniqueFd> fd = process.Open("status");
  if (!fd.ok()) return fd.status();
  LineReader lines(*std::move(fd), shown);
  while (true) {
    absl::StatusOr<std::optional<absl::string_view>> line = lines.Next();
    if (!line.ok()) return line.status();
    if (!line->has_value()) {
      return absl::DataLossError(absl::StrCat(shown, ": no line \"VmLck:\""));
    }
    absl::string_view value = **line;
    if (!absl::ConsumePrefix(&value, "VmLck:")) continue;
    FieldScanner fields(value);
    uint64_t kib = 0;
    if (!fields.Blanks() || !fields.Decimal(&kib) || fields.rest() != " kB") {
      return MalformedLine("status", **line);
    }
    return kib > 0;
  }
}

// "lo" is VM_LOCKED (show_smap_vma_flags in fs/proc/task_mmu.c).
bool IsLocked(const Vma& vma) {
  for (absl::string_view flag : absl::StrSplit(vma.vm_flags, ' ')) {
    if (flag == "lo") return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<LockedMappings> LockedMappings::Open(const Process& process) {
  const std::string shown = absl::StrCat("/proc/", process.pid());
  absl::StatusOr<bool> locked = HasLocked(process, shown + "/status");
  if (!locked.ok()) return locked.status();
  if (!*locked) return LockedMappings(std::nullopt);
  absl::StatusOr<UniqueFd> smaps = process.Open("smaps");
  if (!smaps.ok()) return smaps.status();
  return LockedMappings(
      MapsReader(*std::move(smaps), MapsReader::Format::kSmaps, shown + "/smaps"));
}

absl::StatusOr<bool> LockedMappings::AnyIn(const PageRange& range) {
  while (reader_.has_value()) {
    if (vma_.range.end > range.start) {
      if (vma_.range.start >= range.end) return false;
      if (IsLocked(vma_)) return true;
      if (vma_.range.end >= range.end) return false;
    }
    absl::StatusOr<bool> more = reader_->Next(&vma_);
    if (!more.ok()) return more.status();
    if (!*more) reader_.reset();
  }
  return false;
}

}  // namespace pagemapd
