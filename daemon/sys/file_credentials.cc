#include "daemon/sys/file_credentials.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "daemon/sys/errno_status.h"

namespace pagemapd {
namespace {

// That of files that belong to no group in particular.
constexpr gid_t kNoGroup = 65534;

constexpr uint64_t Bit(int capability) { return uint64_t{1} << capability; }

constexpr uint64_t kOverFiles = Bit(CAP_CHOWN) | Bit(CAP_DAC_OVERRIDE) | Bit(CAP_DAC_READ_SEARCH) |
                                Bit(CAP_FOWNER) | Bit(CAP_FSETID);

// It tells what is, and changes nothing for an id that there is not.
uid_t FileUser() { return setfsuid(static_cast<uid_t>(-1)); }

// By system call: of this thread alone, and libcap is more than this takes.
bool GetCapabilities(__user_cap_data_struct (&data)[_LINUX_CAPABILITY_U32S_3]) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  return syscall(SYS_capget, &header, data) == 0;
}

bool SetCapabilities(uint64_t effective, uint64_t permitted, uint64_t inheritable) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
  for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; ++i) {
    data[i].effective = static_cast<uint32_t>(effective >> (32 * i));
    data[i].permitted = static_cast<uint32_t>(permitted >> (32 * i));
    data[i].inheritable = static_cast<uint32_t>(inheritable >> (32 * i));
  }
  return syscall(SYS_capset, &header, data) == 0;
}

// The same: glibc's setgroups(3) would change all threads.
bool SetGroups(const std::vector<gid_t>& groups) {
  return syscall(SYS_setgroups, groups.size(), groups.data()) == 0;
}

bool Has(uint64_t capabilities, int capability) { return (capabilities & Bit(capability)) != 0; }

}  // namespace

absl::StatusOr<FileCredentials> FileCredentials::ActAs(std::optional<uid_t> user) {
  if (!user.has_value()) return FileCredentials(std::nullopt);
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
  if (!GetCapabilities(data)) return ErrnoStatus(errno, "capget");
  const auto joined = [&data](uint32_t __user_cap_data_struct::*which) {
    return uint64_t{data[1].*which} << 32 | data[0].*which;
  };
  const Saved saved = {joined(&__user_cap_data_struct::effective),
                       joined(&__user_cap_data_struct::permitted),
                       joined(&__user_cap_data_struct::inheritable), std::nullopt, std::nullopt};
  const bool may_set_user = Has(saved.effective, CAP_SETUID);
  if (!may_set_user && geteuid() == 0 && *user != 0) {
    return absl::PermissionDeniedError(
        absl::StrCat("setfsuid to ", *user, ": CAP_SETUID is missing"));
  }
  if (!SetCapabilities(saved.effective & ~kOverFiles, saved.permitted, saved.inheritable)) {
    return ErrnoStatus(errno, "capset");
  }
  FileCredentials credentials(saved);
  if (Has(saved.effective, CAP_SETGID)) {
    std::vector<gid_t> groups(std::max(0, getgroups(0, nullptr)));
    if (getgroups(groups.size(), groups.data()) < 0) return ErrnoStatus(errno, "getgroups");
    if (!SetGroups({})) return ErrnoStatus(errno, "setgroups");
    credentials.saved_->groups = std::move(groups);
    setfsgid(kNoGroup);
  }
  if (may_set_user) {
    const uid_t was = FileUser();
    setfsuid(*user);
    if (FileUser() != *user) {
      return absl::PermissionDeniedError(
          absl::StrCat("setfsuid to ", *user, " is not let through"));
    }
    credentials.saved_->user = was;
  }
  return credentials;
}

bool FileCredentials::Restore(const Saved& saved) {
  bool restored = true;
  if (saved.user.has_value()) {
    setfsuid(*saved.user);
    restored = FileUser() == *saved.user;
  }
  if (saved.groups.has_value()) {
    setfsgid(getegid());
    restored &= SetGroups(*saved.groups);
  }
  return SetCapabilities(saved.effective, saved.permitted, saved.inheritable) && restored;
}

FileCredentials::FileCredentials(FileCredentials&& other) noexcept
    : saved_(std::exchange(other.saved_, std::nullopt)) {}

FileCredentials::~FileCredentials() {
  if (saved_.has_value() && !Restore(*saved_)) abort();
}

}  // namespace pagemapd
