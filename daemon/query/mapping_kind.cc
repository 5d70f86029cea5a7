#include "daemon/query/mapping_kind.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/match.h"

namespace pagemapd {
namespace {

// More mounts than any host has; what lies beyond is a file of a type not known.
constexpr size_t kMaxDevices = 1 << 16;

bool IsKernelRegion(const std::string& path) {
  for (const char* prefix : {"[vdso", "[vvar", "[vsyscall", "[uprobes", "[sigpage", "[gate"}) {
    if (absl::StartsWith(path, prefix)) return true;
  }
  return false;
}

// Local filesystems whose page cache is that of the mapped inode.
bool IsDiskFilesystem(const std::string& type) {
  for (const char* known : {"ext2", "ext3", "ext4", "xfs", "f2fs"}) {
    if (type == known) return true;
  }
  return false;
}

bool IsDeviceFilesystem(const std::string& type) {
  for (const char* known : {"devtmpfs", "sysfs", "proc", "debugfs", "tracefs"}) {
    if (type == known) return true;
  }
  return false;
}

}  // namespace

const std::string* MappingClassifier::FilesystemType(DeviceNumber device) {
  if (!types_.has_value()) {
    types_.emplace();
    if (absl::StatusOr<UniqueFd> fd = process_.Open("mountinfo"); fd.ok()) {
      if (auto types = ReadFilesystemTypes(*std::move(fd), kMaxDevices); types.ok()) {
        types_ = *std::move(types);
      }
    }
  }
  const auto found = types_->find(device);
  return found == types_->end() ? nullptr : &found->second;
}

MappingClassifier::Class MappingClassifier::Classify(const Vma& vma) {
  if (!vma.has_object()) {
    return {IsKernelRegion(vma.path) ? MappingKind::kSpecial : MappingKind::kAnon, std::nullopt};
  }
  if (vma.device == features_.shmem_device) {
    return {MappingKind::kShmem, SharedObject::Kind::kTmpfs};
  }
  const auto& hugetlb = features_.hugetlb_devices;
  if (std::find(hugetlb.begin(), hugetlb.end(), vma.device) != hugetlb.end()) {
    return {MappingKind::kHugetlb, SharedObject::Kind::kHugetlb};
  }
  const std::string* type = FilesystemType(vma.device);
  if (type == nullptr) {
    return {absl::StartsWith(vma.path, "anon_inode:") || absl::StartsWith(vma.path, "/dev/")
                ? MappingKind::kSpecial
                : MappingKind::kFile,
            std::nullopt};
  }
  if (*type == "tmpfs") return {MappingKind::kShmem, SharedObject::Kind::kTmpfs};
  if (*type == "hugetlbfs") return {MappingKind::kHugetlb, SharedObject::Kind::kHugetlb};
  if (IsDiskFilesystem(*type)) return {MappingKind::kFile, SharedObject::Kind::kDisk};
  return {IsDeviceFilesystem(*type) ? MappingKind::kSpecial : MappingKind::kFile, std::nullopt};
}

}  // namespace pagemapd
