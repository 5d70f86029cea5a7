#include "daemon/service/listen/tls_files.h"

#include <errno.h>
#include <fcntl.h>
#include <grpcpp/security/server_credentials.h>
#include <sys/stat.h>

#include <cstddef>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "daemon/sys/bounded_read.h"
#include "daemon/sys/errno_status.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {
namespace {

constexpr size_t kMaxBytes = 1 << 20;

absl::StatusOr<std::string> ReadPem(const std::string& path, absl::string_view flag,
                                    absl::string_view label, bool is_secret) {
  const auto wrong = [&](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat(flag, " ", path, ": ", what));
  };
  if (path.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("TCP takes --tls-cert, --tls-key and --tls-client-ca: ", flag, " is missing"));
  }
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return wrong(ErrnoStatus(errno, "open").message());
  struct stat st;
  if (fstat(fd.get(), &st) != 0) return wrong(ErrnoStatus(errno, "fstat").message());
  if (!S_ISREG(st.st_mode)) return wrong("is no regular file");
  if (is_secret && (st.st_mode & (S_IROTH | S_IWOTH)) != 0) return wrong("everyone may read it");
  absl::StatusOr<std::string> text = ReadUpTo(fd, kMaxBytes + 1, "read");
  if (!text.ok()) return wrong(text.status().message());
  if (text->size() > kMaxBytes) return wrong(absl::StrCat("is longer than ", kMaxBytes, " bytes"));
  if (!absl::StrContains(*text, label)) {
    return wrong(absl::StrCat("holds no \"", label, "\" of PEM"));
  }
  return text;
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ReadTlsFiles(const TlsFiles& files) {
  absl::StatusOr<std::string> certificate =
      ReadPem(files.certificate, "--tls-cert", "BEGIN CERTIFICATE", /*is_secret=*/false);
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<std::string> key =
      ReadPem(files.key, "--tls-key", "PRIVATE KEY", /*is_secret=*/true);
  if (!key.ok()) return key.status();
  absl::StatusOr<std::string> client_ca =
      ReadPem(files.client_ca, "--tls-client-ca", "BEGIN CERTIFICATE", /*is_secret=*/false);
  if (!client_ca.ok()) return client_ca.status();
  grpc::SslServerCredentialsOptions options(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = *std::move(client_ca);
  options.pem_key_cert_pairs.push_back({*std::move(key), *std::move(certificate)});
  std::shared_ptr<grpc::ServerCredentials> credentials = grpc::SslServerCredentials(options);
  if (credentials == nullptr) return absl::InvalidArgumentError("gRPC refuses the TLS files");
  return credentials;
}

}  // namespace pagemapd
