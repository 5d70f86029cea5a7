#include "daemon/procfs/mounts.h"

#include <optional>

#include "daemon/procfs/field_scanner.h"
#include "daemon/procfs/line_reader.h"

namespace pagemapd {

absl::StatusOr<std::pair<DeviceNumber, std::string>> ParseMountinfoLine(absl::string_view line) {
  FieldScanner fields(line);
  uint64_t mount_id;
  uint64_t parent_id;
  DeviceNumber device;
  absl::string_view word;
  bool parsed = fields.Decimal(&mount_id) && fields.Literal(' ') && fields.Decimal(&parent_id) &&
                fields.Literal(' ') && fields.Decimal(&device.major) && fields.Literal(':') &&
                fields.Decimal(&device.minor) && fields.Literal(' ');
  // Root, mount point and mount options; spaces within them are escaped.
  for (int i = 0; parsed && i < 3; ++i) parsed = fields.Word(&word) && fields.Literal(' ');
  // Any number of optional fields, up to a lone "-".
  parsed = parsed && fields.Word(&word);
  while (parsed && word != "-") parsed = fields.Literal(' ') && fields.Word(&word);
  absl::string_view type;
  if (!parsed || !fields.Literal(' ') || !fields.Word(&type) || !fields.Literal(' ')) {
    return MalformedLine("mountinfo", line);
  }
  return std::make_pair(device, std::string(type));
}

absl::StatusOr<FilesystemTypes> ReadFilesystemTypes(UniqueFd mountinfo, size_t max_devices) {
  LineReader lines(std::move(mountinfo), "mountinfo");
  FilesystemTypes types;
  while (types.size() < max_devices) {
    const auto line = lines.Next();
    if (!line.ok()) return line.status();
    if (!*line) break;
    auto parsed = ParseMountinfoLine(**line);
    if (!parsed.ok()) return parsed.status();
    types.insert(*std::move(parsed));
  }
  return types;
}

}  // namespace pagemapd
