#include "cli/tls_files.h"

#include <sys/stat.h>

#include <fstream>

#include "absl/status/status.h"
#include "cli/scratch_certificates.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class TlsFilesTest : public testing::Test {
 protected:
  TlsFilesTest() {
    const auto own = certificates_.Issue("client", "DNS:ops.example");
    files_ = {certificates_.ca(), own.cert, own.key, "daemon.example"};
  }

  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = certificates_.directory() + "/" + name;
    std::ofstream(path) << text;
    return path;
  }

  ScratchCertificates certificates_;
  TlsFiles files_;
};

TEST_F(TlsFilesTest, GivesWhatTheFilesHold) {
  const auto identity = ReadTlsFiles(files_);
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_THAT(identity->ca, StartsWith("-----BEGIN CERTIFICATE-----\n"));
  EXPECT_THAT(identity->cert, StartsWith("-----BEGIN CERTIFICATE-----\n"));
  EXPECT_NE(identity->ca, identity->cert);
  EXPECT_THAT(identity->key, StartsWith("-----BEGIN PRIVATE KEY-----\n"));
  EXPECT_EQ(identity->server_name, "daemon.example");
}

TEST_F(TlsFilesTest, AFileThatCannotBeReadIsNamed) {
  for (std::string* path : {&files_.ca, &files_.cert, &files_.key}) {
    const std::string good = *path;
    *path = "/nonexistent/x.pem";
    const absl::Status status = ReadTlsFiles(files_).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << status;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("/nonexistent/x.pem: cannot be opened: No such file or directory"));
    *path = certificates_.directory();
    EXPECT_THAT(std::string(ReadTlsFiles(files_).status().message()),
                HasSubstr(certificates_.directory() + ": cannot be read: Is a directory"));
    *path = good;
  }
  EXPECT_TRUE(ReadTlsFiles(files_).ok());
}

TEST_F(TlsFilesTest, WhatIsInTheWrongPlaceIsNamed) {
  const std::string nothing = Write("nothing", "");
  const std::string noise = Write("noise", std::string("\0\xff-----BEGIN CERTIFICATE-----", 29));
  const auto other = certificates_.Issue("other", "");
  const struct {
    std::string TlsFiles::*file;
    std::string path;
    std::string says;
  } kCases[] = {
      {&TlsFiles::ca, nothing, "--tls-ca " + nothing + ": holds no certificate in PEM"},
      {&TlsFiles::ca, noise, "--tls-ca " + noise + ": holds no certificate in PEM"},
      {&TlsFiles::ca, files_.key, "--tls-ca " + files_.key + ": holds no certificate in PEM"},
      {&TlsFiles::cert, noise, "--tls-cert " + noise + ": holds no certificate in PEM"},
      {&TlsFiles::key, files_.cert, "--tls-key " + files_.cert + ": holds no private key"},
      {&TlsFiles::key, other.key,
       "--tls-key " + other.key + ": is not the key of the certificate in " + files_.cert},
      {&TlsFiles::key, "/dev/zero", "--tls-key /dev/zero: is larger than 1M"},
  };
  for (const auto& c : kCases) {
    TlsFiles files = files_;
    files.*c.file = c.path;
    const absl::Status status = ReadTlsFiles(files).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_THAT(std::string(status.message()), StartsWith(c.says));
  }
}

// Nobody is there to type one.
TEST_F(TlsFilesTest, NoPassphraseIsAskedFor) {
  files_.key = Write("encrypted.key",
                     "-----BEGIN EC PRIVATE KEY-----\n"
                     "Proc-Type: 4,ENCRYPTED\n"
                     "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n"
                     "\n"
                     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
                     "-----END EC PRIVATE KEY-----\n");
  EXPECT_THAT(std::string(ReadTlsFiles(files_).status().message()),
              HasSubstr("holds no private key in PEM that needs no passphrase"));
}

}  // namespace
}  // namespace pagemapd
