#ifndef PAGEMAPD_TESTS_TESTING_IDENTITY_H_
#define PAGEMAPD_TESTS_TESTING_IDENTITY_H_

#include <sys/types.h>

#include <vector>

namespace pagemapd {

// Who a process is to the kernel: real, effective, saved and filesystem ids alike. Of anybody but
// root, without capabilities. The numbers need no names.
struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
  // Supplementary.
  std::vector<gid_t> groups = {};
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_TESTING_IDENTITY_H_
