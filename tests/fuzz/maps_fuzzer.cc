// ParseMapsLine on the first line, and MapsReader on the whole text, as maps and as smaps.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "daemon/procfs/maps.h"
#include "tests/fuzz/input_file.h"
#include "tests/fuzz/require.h"

namespace pagemapd {
namespace {

void RequireBounds(const Vma& vma) {
  REQUIRE(vma.range.start < vma.range.end);
  REQUIRE((vma.range.start | vma.range.end | vma.offset_bytes) % kPageSizeBytes == 0);
  REQUIRE(vma.range.end <= kMaxAddress);
  REQUIRE(vma.path.find('\0') == std::string::npos);
  REQUIRE(vma.path.find("\\012") == std::string::npos);
}

// The line as the kernel prints it (show_map_vma).
std::string Printed(const Vma& vma) {
  std::string line = absl::StrFormat(
      "%08x-%08x %c%c%c%c %08x %02x:%02x %u ", vma.range.start, vma.range.end,
      vma.readable ? 'r' : '-', vma.writable ? 'w' : '-', vma.executable ? 'x' : '-',
      vma.shared ? 's' : 'p', vma.offset_bytes, vma.device.major, vma.device.minor, vma.inode);
  if (!vma.path.empty()) {
    line.resize(std::max<size_t>(line.size(), 73), ' ');
    absl::StrAppend(&line, absl::StrReplaceAll(vma.path, {{"\n", "\\012"}}));
  }
  return line;
}

void CheckLine(absl::string_view line) {
  Vma vma;
  const absl::Status status = ParseMapsLine(line, &vma);
  if (!status.ok()) return RequireDataLoss(status);
  RequireBounds(vma);
  REQUIRE(vma.vm_flags.empty());
  Vma again;
  REQUIRE(ParseMapsLine(Printed(vma), &again).ok());
  REQUIRE(again.range == vma.range && again.offset_bytes == vma.offset_bytes);
  REQUIRE(again.readable == vma.readable && again.writable == vma.writable);
  REQUIRE(again.executable == vma.executable && again.shared == vma.shared);
  REQUIRE(again.device == vma.device && again.inode == vma.inode && again.path == vma.path);
}

void CheckReader(absl::string_view text, MapsReader::Format format) {
  MapsReader reader(OpenHolding(text), format, "input");
  Vma vma;
  uint64_t previous_end = 0;
  size_t vmas = 0;
  while (true) {
    const absl::StatusOr<bool> more = reader.Next(&vma);
    if (!more.ok()) return RequireDataLoss(more.status());
    if (!*more) break;
    RequireBounds(vma);
    REQUIRE(vma.range.start >= previous_end);
    previous_end = vma.range.end;
    if (format == MapsReader::Format::kMaps) REQUIRE(vma.vm_flags.empty());
    REQUIRE(++vmas <= text.size());
  }
  REQUIRE(!*reader.Next(&vma));
}

}  // namespace
}  // namespace pagemapd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  pagemapd::CheckLine(text.substr(0, text.find('\n')));
  pagemapd::CheckReader(text, pagemapd::MapsReader::Format::kMaps);
  pagemapd::CheckReader(text, pagemapd::MapsReader::Format::kSmaps);
  return 0;
}
