#ifndef PAGEMAPD_CLI_TLS_FILES_H_
#define PAGEMAPD_CLI_TLS_FILES_H_

#include <string>

#include "absl/status/statusor.h"

namespace pagemapd {

// Where the two ends of a TCP connection have their proofs. All PEM.
struct TlsFiles {
  // Certificates that one of must have signed the daemon's.
  std::string ca;
  // pagemapctl's own, with those that lead from it to the daemon's CA.
  std::string cert;
  std::string key;
  // The name that the daemon's certificate must have; empty: the host of the address.
  std::string server_name;
};

// What the files hold.
struct TlsIdentity {
  std::string ca;
  std::string cert;
  std::string key;
  std::string server_name;
};

// Reads the files, and sees that gRPC, which says little of what is wrong, can use them: that each
// holds what it should, and the key is the certificate's and has no passphrase. Errors name the
// option and the file: NOT_FOUND, PERMISSION_DENIED and others for one that cannot be read,
// INVALID_ARGUMENT for what it holds.
absl::StatusOr<TlsIdentity> ReadTlsFiles(const TlsFiles& files);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_TLS_FILES_H_
