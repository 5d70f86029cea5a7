#ifndef PAGEMAPD_DAEMON_QUERY_MAPPING_KIND_H_
#define PAGEMAPD_DAEMON_QUERY_MAPPING_KIND_H_

#include <optional>

#include "daemon/procfs/maps.h"
#include "daemon/procfs/mounts.h"
#include "daemon/procfs/process.h"
#include "daemon/query/kernel_features.h"
#include "daemon/shmem/shared_object.h"

namespace pagemapd {

// The numbers are those of the API (MappingKind).
enum class MappingKind { kAnon = 1, kShmem = 2, kFile = 3, kHugetlb = 4, kSpecial = 5 };

// Tells mappings of one process apart, by the device of their inode. That decides before any file
// is opened: opening a device node has effects, and a user-space filesystem could hold the caller
// up for ever. Not thread-safe.
class MappingClassifier {
 public:
  // Both must outlive the classifier.
  MappingClassifier(const KernelFeatures& features, const Process& process)
      : features_(features), process_(process) {}

  struct Class {
    MappingKind kind = MappingKind::kAnon;
    // How to open the object; nullopt where there is none or it must not be opened.
    std::optional<SharedObject::Kind> object;
  };
  Class Classify(const Vma& vma);

 private:
  const std::string* FilesystemType(DeviceNumber device);

  const KernelFeatures& features_;
  const Process& process_;
  // The process's mounts, read when a mapping needs them.
  std::optional<FilesystemTypes> types_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_QUERY_MAPPING_KIND_H_
