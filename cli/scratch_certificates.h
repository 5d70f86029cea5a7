#ifndef PAGEMAPD_CLI_SCRATCH_CERTIFICATES_H_
#define PAGEMAPD_CLI_SCRATCH_CERTIFICATES_H_

#include <memory>
#include <string>

namespace pagemapd {

// For tests of TLS: a CA of its own, and certificates signed by it, all PEM files in a directory
// that goes with this object. What cannot be made ends the process.
class ScratchCertificates {
 public:
  ScratchCertificates();
  ScratchCertificates(const ScratchCertificates&) = delete;
  ~ScratchCertificates();

  struct Files {
    std::string cert;
    std::string key;
  };
  // `names` are subject alternative names as OpenSSL writes them: "DNS:localhost,IP:127.0.0.1".
  // `stem` is unique, and begins the names of the files.
  Files Issue(const std::string& stem, const std::string& names);

  const std::string& directory() const { return directory_; }
  // The CA's certificate.
  std::string ca() const { return directory_ + "/ca.pem"; }

 private:
  struct Authority;

  std::string directory_;
  std::unique_ptr<Authority> authority_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_SCRATCH_CERTIFICATES_H_
