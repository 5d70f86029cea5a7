#ifndef PAGEMAPD_DAEMON_PROCFS_MOUNTS_H_
#define PAGEMAPD_DAEMON_PROCFS_MOUNTS_H_

#include <cstddef>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/procfs/maps.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {

// Filesystem type by device, such as "tmpfs" or "ext4".
using FilesystemTypes = absl::flat_hash_map<DeviceNumber, std::string>;

// Parses one line of mountinfo into its device and filesystem type (the field after " - ").
// DATA_LOSS for text that is no such line (proc(5)).
absl::StatusOr<std::pair<DeviceNumber, std::string>> ParseMountinfoLine(absl::string_view line);

// The filesystems that a process's mount namespace shows, from an open /proc/PID/mountinfo. Keeps
// at most `max_devices`; a device left out is one whose type is not known.
absl::StatusOr<FilesystemTypes> ReadFilesystemTypes(UniqueFd mountinfo, size_t max_devices);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PROCFS_MOUNTS_H_
