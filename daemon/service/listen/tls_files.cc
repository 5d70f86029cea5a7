#include "daemon/service/listen/tls_files.h"

#include <errno.h>
#include <fcntl.h>
#include <grpcpp/security/server_credentials.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/sys/bounded_read.h"
#include "daemon/sys/errno_status.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {
namespace {

constexpr size_t kMaxBytes = 1 << 20;

using BioOwner = std::unique_ptr<BIO, decltype(&BIO_free)>;
using X509Owner = std::unique_ptr<X509, decltype(&X509_free)>;
using KeyOwner = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

absl::Status Wrong(absl::string_view flag, absl::string_view path, absl::string_view what) {
  // What a parser found wrong stays with the thread until somebody asks.
  ERR_clear_error();
  return absl::InvalidArgumentError(absl::StrCat(flag, " ", path, ": ", what));
}

BioOwner Memory(const std::string& text) {
  return BioOwner(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free);
}

// All certificates of the file; none if one of them is no certificate, or there is none.
std::vector<X509Owner> Certificates(const std::string& pem) {
  const BioOwner memory = Memory(pem);
  std::vector<X509Owner> certificates;
  while (X509* next = PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(next, &X509_free);
  }
  // How it ends where there is nothing more.
  const bool is_whole = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!is_whole) certificates.clear();
  return certificates;
}

// No terminal is asked for a passphrase.
int NoPassphrase(char*, int, int, void*) { return -1; }

absl::StatusOr<std::string> ReadPem(const std::string& path, absl::string_view flag,
                                    bool is_secret) {
  const auto wrong = [&](absl::string_view what) { return Wrong(flag, path, what); };
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
  return text;
}

absl::Status CheckThatTheyFit(const TlsFiles& files, const std::string& certificate,
                              const std::string& key, const std::string& client_ca) {
  constexpr char kNotAll[] = "holds no certificates in PEM, or one that is none";
  const std::vector<X509Owner> chain = Certificates(certificate);
  if (chain.empty()) return Wrong("--tls-cert", files.certificate, kNotAll);
  if (Certificates(client_ca).empty()) return Wrong("--tls-client-ca", files.client_ca, kNotAll);
  const BioOwner memory = Memory(key);
  const KeyOwner own(PEM_read_bio_PrivateKey(memory.get(), nullptr, &NoPassphrase, nullptr),
                     &EVP_PKEY_free);
  if (own == nullptr) {
    return Wrong("--tls-key", files.key, "holds no private key in PEM that needs no passphrase");
  }
  if (X509_check_private_key(chain.front().get(), own.get()) != 1) {
    return Wrong("--tls-key", files.key,
                 absl::StrCat("is not the key of the certificate in ", files.certificate));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ReadTlsFiles(const TlsFiles& files) {
  absl::StatusOr<std::string> certificate =
      ReadPem(files.certificate, "--tls-cert", /*is_secret=*/false);
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<std::string> key = ReadPem(files.key, "--tls-key", /*is_secret=*/true);
  if (!key.ok()) return key.status();
  absl::StatusOr<std::string> client_ca =
      ReadPem(files.client_ca, "--tls-client-ca", /*is_secret=*/false);
  if (!client_ca.ok()) return client_ca.status();
  if (absl::Status fit = CheckThatTheyFit(files, *certificate, *key, *client_ca); !fit.ok()) {
    return fit;
  }
  grpc::SslServerCredentialsOptions options(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = *std::move(client_ca);
  options.pem_key_cert_pairs.push_back({*std::move(key), *std::move(certificate)});
  std::shared_ptr<grpc::ServerCredentials> credentials = grpc::SslServerCredentials(options);
  if (credentials == nullptr) return absl::InvalidArgumentError("gRPC refuses the TLS files");
  return credentials;
}

}  // namespace pagemapd
