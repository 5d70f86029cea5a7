#ifndef PAGEMAPD_DAEMON_PROCFS_KALLSYMS_H_
#define PAGEMAPD_DAEMON_PROCFS_KALLSYMS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "daemon/procfs/proc_root.h"

namespace pagemapd {

// Which of `names` are symbols of the running kernel itself, modules excepted: what it was built
// with, where no configuration can be read. The names are there for anyone, the addresses are not.
// NOT_FOUND without CONFIG_KALLSYMS, and for an empty file, which is what a sandbox may put in its
// place; DATA_LOSS for malformed text. Reads some megabytes.
absl::StatusOr<std::vector<bool>> HasKernelSymbols(const ProcRoot& root,
                                                   absl::Span<const std::string> names);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PROCFS_KALLSYMS_H_
