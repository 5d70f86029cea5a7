#include "daemon/sys/errno_status.h"

#include <cerrno>

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

TEST(ErrnoStatusTest, NamesTheAttemptAndTheError) {
  EXPECT_EQ(ErrnoStatus(EACCES, "open /proc/1/pagemap").message(), "open /proc/1/pagemap: EACCES");
  EXPECT_EQ(ErrnoStatus(4095, "read x").message(), "read x: errno 4095");
}

TEST(ErrnoStatusTest, MapsTheCodesThatCallersTellApart) {
  struct Case {
    int error_number;
    absl::StatusCode code;
  };
  const Case cases[] = {
      {ESRCH, absl::StatusCode::kNotFound},
      {ENOENT, absl::StatusCode::kNotFound},
      {EACCES, absl::StatusCode::kPermissionDenied},
      {EPERM, absl::StatusCode::kPermissionDenied},
      {EMFILE, absl::StatusCode::kResourceExhausted},
      {ENOMEM, absl::StatusCode::kResourceExhausted},
      {EINVAL, absl::StatusCode::kInvalidArgument},
      {ENOSYS, absl::StatusCode::kUnimplemented},
      {4095, absl::StatusCode::kUnknown},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(ErrnoStatus(c.error_number, "x").code(), c.code) << c.error_number;
  }
}

}  // namespace
}  // namespace pagemapd
