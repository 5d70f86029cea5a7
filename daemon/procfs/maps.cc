#include "daemon/procfs/maps.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "daemon/procfs/field_scanner.h"

namespace pagemapd {
namespace {

bool Permission(FieldScanner* fields, char granted, char refused, bool* value) {
  *value = fields->Literal(granted);
  return *value || fields->Literal(refused);
}

// A line of smaps below a VMA's header: "Rss:   4 kB". Header lines begin with a hex digit, and
// the kernel prints those in lower case.
bool IsDetail(absl::string_view line) {
  return !line.empty() && absl::ascii_isupper(line[0]) && absl::StrContains(line, ':');
}

}  // namespace

absl::Status ParseMapsLine(absl::string_view line, Vma* vma) {
  FieldScanner fields(line);
  PageRange& range = vma->range;
  const bool parsed = fields.Hex(&range.start) && fields.Literal('-') && fields.Hex(&range.end) &&
                      fields.Literal(' ') && Permission(&fields, 'r', '-', &vma->readable) &&
                      Permission(&fields, 'w', '-', &vma->writable) &&
                      Permission(&fields, 'x', '-', &vma->executable) &&
                      Permission(&fields, 's', 'p', &vma->shared) && fields.Literal(' ') &&
                      fields.Hex(&vma->offset_bytes) && fields.Literal(' ') &&
                      fields.Hex(&vma->device.major) && fields.Literal(':') &&
                      fields.Hex(&vma->device.minor) && fields.Literal(' ') &&
                      fields.Decimal(&vma->inode) && (fields.rest().empty() || fields.Blanks());
  const uint64_t unaligned = (range.start | range.end | vma->offset_bytes) & (kPageSizeBytes - 1);
  if (!parsed || unaligned != 0 || range.start >= range.end ||
      absl::StrContains(fields.rest(), '\0')) {
    return MalformedLine("maps", line);
  }
  vma->path.assign(fields.rest().data(), fields.rest().size());
  if (absl::StrContains(vma->path, '\\')) absl::StrReplaceAll({{"\\012", "\n"}}, &vma->path);
  vma->vm_flags.clear();
  return absl::OkStatus();
}

MapsReader::MapsReader(UniqueFd fd, Format format, absl::string_view shown)
    : lines_(std::move(fd), shown), format_(format) {}

absl::StatusOr<bool> MapsReader::Next(Vma* vma) {
  if (pending_) {
    std::swap(*vma, *pending_);
  } else {
    const auto line = lines_.Next();
    if (!line.ok()) return line.status();
    if (!*line) return false;
    const absl::Status status = ParseMapsLine(**line, vma);
    if (!status.ok()) return status;
  }
  if (vma->range.end <= previous_end_) {
    return absl::DataLossError(absl::StrCat("VMAs out of order: ", ToString(vma->range),
                                            " after one that ends at 0x",
                                            absl::Hex(previous_end_)));
  }
  if (vma->range.start < previous_end_) {
    // An anonymous mapping prints no offset.
    if (vma->has_object()) vma->offset_bytes += previous_end_ - vma->range.start;
    vma->range.start = previous_end_;
  }
  previous_end_ = vma->range.end;
  if (format_ == Format::kMaps) return true;

  while (true) {
    const auto line = lines_.Next();
    if (!line.ok()) return line.status();
    if (!*line) {
      pending_.reset();
      return true;
    }
    absl::string_view text = **line;
    if (!IsDetail(text)) {
      if (!pending_) pending_.emplace();
      const absl::Status status = ParseMapsLine(text, &*pending_);
      if (!status.ok()) return status;
      return true;
    }
    if (absl::ConsumePrefix(&text, "VmFlags:")) {
      text = absl::StripAsciiWhitespace(text);
      vma->vm_flags.assign(text.data(), text.size());
    }
  }
}

}  // namespace pagemapd
