#include "cli/tls_files.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace pagemapd {
namespace {

// A bundle of all public CAs is a quarter of that.
constexpr size_t kMaxFileBytes = 1 << 20;

using X509Owner = std::unique_ptr<X509, decltype(&X509_free)>;
using KeyOwner = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using BioOwner = std::unique_ptr<BIO, decltype(&BIO_free)>;

struct NamedFile {
  const char* option;
  const std::string& path;

  // "--tls-key /x: WHAT".
  std::string Complaint(absl::string_view what) const {
    return absl::StrCat(option, " ", path, ": ", what);
  }
};

absl::StatusOr<std::string> Read(const NamedFile& file) {
  const int fd = open(file.path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, file.Complaint("cannot be opened"));
  std::string text(kMaxFileBytes + 1, '\0');
  size_t size = 0;
  ssize_t got = 1;
  while (size < text.size() && got > 0) {
    got = read(fd, &text[size], text.size() - size);
    if (got > 0) size += got;
    if (got < 0 && errno == EINTR) got = 1;
  }
  const int error = errno;
  close(fd);
  if (got < 0) return absl::ErrnoToStatus(error, file.Complaint("cannot be read"));
  if (size > kMaxFileBytes) return absl::InvalidArgumentError(file.Complaint("is larger than 1M"));
  text.resize(size);
  return text;
}

BioOwner Memory(const std::string& text) {
  return BioOwner(BIO_new_mem_buf(text.data(), text.size()), &BIO_free);
}

// The first certificate; null if there is none, or it cannot be read.
X509Owner FirstCertificate(const std::string& text) {
  const BioOwner memory = Memory(text);
  return X509Owner(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr), &X509_free);
}

// No terminal is asked for a passphrase.
int NoPassphrase(char*, int, int, void*) { return -1; }

KeyOwner PrivateKey(const std::string& text) {
  const BioOwner memory = Memory(text);
  return KeyOwner(PEM_read_bio_PrivateKey(memory.get(), nullptr, &NoPassphrase, nullptr),
                  &EVP_PKEY_free);
}

}  // namespace

absl::StatusOr<TlsIdentity> ReadTlsFiles(const TlsFiles& files) {
  const NamedFile ca = {"--tls-ca", files.ca};
  const NamedFile cert = {"--tls-cert", files.cert};
  const NamedFile key = {"--tls-key", files.key};
  TlsIdentity identity;
  identity.server_name = files.server_name;
  const struct {
    const NamedFile& file;
    std::string* text;
  } kParts[] = {{ca, &identity.ca}, {cert, &identity.cert}, {key, &identity.key}};
  for (const auto& part : kParts) {
    absl::StatusOr<std::string> text = Read(part.file);
    if (!text.ok()) return text.status();
    *part.text = *std::move(text);
  }

  // What a parser found wrong stays with the thread until somebody asks.
  const auto wrong = [](const NamedFile& file, absl::string_view what) {
    ERR_clear_error();
    return absl::InvalidArgumentError(file.Complaint(what));
  };
  constexpr char kNoCertificate[] = "holds no certificate in PEM";
  if (FirstCertificate(identity.ca) == nullptr) return wrong(ca, kNoCertificate);
  const X509Owner own = FirstCertificate(identity.cert);
  if (own == nullptr) return wrong(cert, kNoCertificate);
  const KeyOwner private_key = PrivateKey(identity.key);
  if (private_key == nullptr) {
    return wrong(key, "holds no private key in PEM that needs no passphrase");
  }
  if (X509_check_private_key(own.get(), private_key.get()) != 1) {
    return wrong(key, absl::StrCat("is not the key of the certificate in ", files.cert));
  }
  return identity;
}

}  // namespace pagemapd
