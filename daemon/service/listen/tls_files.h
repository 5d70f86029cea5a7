#ifndef PAGEMAPD_DAEMON_SERVICE_LISTEN_TLS_FILES_H_
#define PAGEMAPD_DAEMON_SERVICE_LISTEN_TLS_FILES_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace grpc {
class ServerCredentials;
}  // namespace grpc

namespace pagemapd {

// Paths of PEM files. All are empty where TCP is not listened on.
struct TlsFiles {
  // The daemon's certificate, with those that lead from it to a root, and its key.
  std::string certificate;
  std::string key;
  // The roots that clients' certificates must lead to.
  std::string client_ca;
};

// Reads the files for a server that takes clients with a certificate only. INVALID_ARGUMENT, naming
// the file, if one is missing, cannot be read, is longer than 1 MiB, or holds anything but what it
// should in PEM; also if everyone may read the key, or it is not the certificate's. gRPC would say
// of none of that: no client would get through, and their connections stay.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ReadTlsFiles(const TlsFiles& files);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_LISTEN_TLS_FILES_H_
