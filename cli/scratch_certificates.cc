#include "cli/scratch_certificates.h"

#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include <filesystem>
#include <system_error>

namespace pagemapd {
namespace {

using KeyOwner = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using CertificateOwner = std::unique_ptr<X509, decltype(&X509_free)>;

constexpr long kValidSeconds = 3600;

void Require(bool done, const char* what) {
  if (done) return;
  fprintf(stderr, "scratch certificates: cannot %s\n", what);
  abort();
}

KeyOwner NewKey() {
  KeyOwner key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  Require(key != nullptr, "make a key");
  return key;
}

void AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  Require(extension != nullptr, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// Of `key`, valid from an hour ago, since clocks differ; not signed yet.
CertificateOwner NewCertificate(const std::string& common_name, long serial, EVP_PKEY* key) {
  CertificateOwner certificate(X509_new(), &X509_free);
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kValidSeconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kValidSeconds);
  X509_set_pubkey(certificate.get(), key);
  const auto* name = reinterpret_cast<const unsigned char*>(common_name.c_str());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8, name,
                             -1, -1, 0);
  return certificate;
}

template <typename Writer>
void WriteFile(const std::string& path, const Writer& writer) {
  // For its owner alone: a daemon refuses a key that others may read.
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  FILE* const file = fd < 0 ? nullptr : fdopen(fd, "w");
  Require(file != nullptr && writer(file) == 1 && fclose(file) == 0, path.c_str());
}

}  // namespace

struct ScratchCertificates::Authority {
  KeyOwner key = NewKey();
  CertificateOwner certificate = NewCertificate("scratch CA", 1, key.get());
  long last_serial = 1;

  void Sign(X509* issued) {
    X509_set_issuer_name(issued, X509_get_subject_name(certificate.get()));
    Require(X509_sign(issued, key.get(), EVP_sha256()) != 0, "sign a certificate");
  }
};

ScratchCertificates::ScratchCertificates() : authority_(std::make_unique<Authority>()) {
  char directory[] = "/tmp/pagemapd-certificates-XXXXXX";
  Require(mkdtemp(directory) != nullptr, "make a directory");
  directory_ = directory;
  X509* const certificate = authority_->certificate.get();
  AddExtension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(certificate, certificate, NID_key_usage, "critical,keyCertSign");
  authority_->Sign(certificate);
  WriteFile(ca(), [&](FILE* file) { return PEM_write_X509(file, certificate); });
}

ScratchCertificates::~ScratchCertificates() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

ScratchCertificates::Files ScratchCertificates::Issue(const std::string& stem,
                                                      const std::string& names) {
  const KeyOwner key = NewKey();
  const CertificateOwner certificate = NewCertificate(stem, ++authority_->last_serial, key.get());
  if (!names.empty()) {
    AddExtension(certificate.get(), authority_->certificate.get(), NID_subject_alt_name, names);
  }
  authority_->Sign(certificate.get());
  Files files = {directory_ + "/" + stem + ".pem", directory_ + "/" + stem + ".key"};
  WriteFile(files.cert, [&](FILE* file) { return PEM_write_X509(file, certificate.get()); });
  WriteFile(files.key, [&](FILE* file) {
    return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  return files;
}

}  // namespace pagemapd
