#include "daemon/service/listen/tls_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/scratch_certificates.h"

namespace pagemapd {
namespace {

class TlsFilesTest : public ::testing::Test {
 protected:
  TlsFilesTest() {
    const auto own = certificates_.Issue("daemon", "DNS:daemon.example");
    files_ = {own.cert, own.key, certificates_.ca()};
  }

  static std::string Read(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = absl::StrCat(certificates_.directory(), "/", name);
    std::ofstream(path) << text;
    chmod(path.c_str(), 0600);
    return path;
  }
  // That the files are refused, with a word on `flag` and what is wrong.
  void ExpectWrong(const TlsFiles& files, const std::string& flag, const std::string& what) {
    const absl::Status status = ReadTlsFiles(files).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_TRUE(absl::StartsWith(status.message(), absl::StrCat(flag, " "))) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), what)) << status;
  }

  ScratchCertificates certificates_;
  TlsFiles files_;
};

TEST_F(TlsFilesTest, TakesThoseThatFit) {
  EXPECT_TRUE(ReadTlsFiles(files_).ok()) << ReadTlsFiles(files_).status();
  // With what leads from it to a root, as a daemon's certificate has it; and two roots.
  files_.certificate = Write("chain.pem", Read(files_.certificate) + Read(files_.client_ca));
  files_.client_ca = Write("roots.pem", Read(files_.client_ca) + "\n" + Read(files_.client_ca));
  EXPECT_TRUE(ReadTlsFiles(files_).ok()) << ReadTlsFiles(files_).status();
}

TEST_F(TlsFilesTest, NoneOfThoseThatDoNot) {
  TlsFiles files = files_;
  files.key = certificates_.Issue("other", "DNS:other.example").key;
  ExpectWrong(files, "--tls-key", "is not the key of the certificate in " + files.certificate);
  files = files_;
  files.key = files.certificate;
  ExpectWrong(files, "--tls-key", "no private key");
  files = files_;
  files.certificate = files_.key;
  ExpectWrong(files, "--tls-cert", "no certificates");
}

TEST_F(TlsFilesTest, NoneThatIsCutShort) {
  const std::string ca = Read(files_.client_ca);
  TlsFiles files = files_;
  files.client_ca = Write("cut.pem", ca.substr(0, ca.size() / 2));
  ExpectWrong(files, "--tls-client-ca", "no certificates");
  files.client_ca = Write("cut_later.pem", ca + ca.substr(0, ca.size() / 2));
  ExpectWrong(files, "--tls-client-ca", "one that is none");
  files = files_;
  const std::string key = Read(files_.key);
  files.key = Write("cut_key.pem", key.substr(0, key.size() / 2));
  ExpectWrong(files, "--tls-key", "no private key");
  files = files_;
  files.certificate = Write("empty.pem", "");
  ExpectWrong(files, "--tls-cert", "no certificates");
}

TEST_F(TlsFilesTest, NoKeyThatEveryoneMayRead) {
  ASSERT_EQ(chmod(files_.key.c_str(), 0644), 0);
  ExpectWrong(files_, "--tls-key", "everyone may read it");
}

}  // namespace
}  // namespace pagemapd
