#ifndef PAGEMAPD_CLI_TLS_ARGUMENTS_H_
#define PAGEMAPD_CLI_TLS_ARGUMENTS_H_

#include <CLI/App.hpp>
#include <string>

#include "cli/tls_files.h"

namespace pagemapd {

// Adds --tls-ca, --tls-cert, --tls-key and --tls-name. `files` must outlive the parsing.
void AddTls(CLI::App* app, TlsFiles* files);

// What is wrong with `files`, none of which CLI11 found anything wrong with, for a daemon at
// `address`; empty if nothing is. TCP takes all three, a unix socket none.
std::string WrongTls(const std::string& address, const TlsFiles& files);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_TLS_ARGUMENTS_H_
