#include "cli/tls_arguments.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/connection.h"

namespace pagemapd {
namespace {

std::string NotEmpty(const std::string& text) { return text.empty() ? "it is empty" : ""; }

}  // namespace

void AddTls(CLI::App* app, TlsFiles* files) {
  const auto add = [app](const char* name, std::string* value, const char* type,
                         const char* description) {
    app->add_option(name, *value, description)->type_name(type)->check(NotEmpty);
  };
  add("--tls-ca", &files->ca, "FILE",
      "TCP: certificates, one of which must have signed the\n"
      "daemon's. All three in PEM");
  add("--tls-cert", &files->cert, "FILE", "TCP: the certificate to show to the daemon");
  add("--tls-key", &files->key, "FILE", "TCP: its private key");
  add("--tls-name", &files->server_name, "NAME",
      "TCP: the name in the daemon's certificate, if it is\n"
      "not the host of the address");
}

std::string WrongTls(const std::string& address, const TlsFiles& files) {
  const struct {
    const char* option;
    const std::string& value;
    bool required;
  } kOptions[] = {{"--tls-ca", files.ca, true},
                  {"--tls-cert", files.cert, true},
                  {"--tls-key", files.key, true},
                  {"--tls-name", files.server_name, false}};
  const bool tcp = IsTcpAddress(address);
  std::vector<std::string> wrong;
  for (const auto& option : kOptions) {
    if (tcp ? option.required && option.value.empty() : !option.value.empty()) {
      wrong.push_back(option.option);
    }
  }
  if (wrong.empty()) return "";
  return tcp ? absl::StrCat("the daemon takes TCP with mutual TLS only: for ", address, ", ",
                            absl::StrJoin(wrong, ", "), wrong.size() == 1 ? " is" : " are",
                            " missing")
             : absl::StrCat(absl::StrJoin(wrong, ", "), wrong.size() == 1 ? " is" : " are",
                            " for a tcp:// address, and ", address, " is none");
}

}  // namespace pagemapd
