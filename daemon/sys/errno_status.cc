#include "daemon/sys/errno_status.h"

#include <cerrno>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"

namespace pagemapd {

absl::Status ErrnoStatus(int error_number, absl::string_view attempted) {
  const char* name = strerrorname_np(error_number);
  const std::string message =
      absl::StrCat(attempted, ": ", name != nullptr ? name : absl::StrCat("errno ", error_number));
  if (error_number == ESRCH) return absl::NotFoundError(message);
  return absl::Status(absl::ErrnoToStatusCode(error_number), message);
}

}  // namespace pagemapd
