#include "cli/session.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/connection.h"
#include "cli/output/printable_text.h"

namespace pagemapd {

Session::Session(std::string address, v1::PagemapService::StubInterface* service,
                 OutputFormat format, bool with_heading, OutputStream* out)
    : address_(std::move(address)),
      service_(service),
      format_(format),
      with_heading_(with_heading),
      out_(out),
      out_terminal_(DescribeTerminal(STDOUT_FILENO)),
      error_terminal_(DescribeTerminal(STDERR_FILENO)) {}

std::string Session::Printable(absl::string_view bytes) const {
  return PrintableText(bytes, out_terminal_.utf8);
}

void Session::Complain(absl::string_view message) const {
  fprintf(stderr, "pagemapctl: %s\n", PrintableText(message, error_terminal_.utf8).c_str());
}

ExitCode Session::Fail(const grpc::Status& status) const {
  if (status.error_code() != grpc::StatusCode::UNAVAILABLE) {
    Complain(status.error_message().empty()
                 ? absl::StrCat("the call failed with gRPC status ", status.error_code())
                 : status.error_message());
    return ExitCodeOf(status);
  }
  const int error = UnixConnectError(address_);
  // In TLS 1.3 the daemon looks at the client's certificate last, and then just hangs up.
  const bool hung_up =
      IsTcpAddress(address_) && (absl::StrContains(status.error_message(), "Socket closed") ||
                                 absl::StrContains(status.error_message(), "Connection reset"));
  Complain(absl::StrCat("cannot reach the daemon at ", address_, ": ",
                        error != 0 ? strerror(error) : status.error_message(),
                        hung_up ? "; it may refuse the certificate of --tls-cert" : ""));
  return error == EACCES ? ExitCode::kPermissionDenied : ExitCode::kUnreachable;
}

ExitCode Session::Fail(const v1::TargetError& error) const {
  Complain(error.message());
  return ExitCodeOf(error.reason());
}

grpc::Status Session::GetCapabilities(v1::GetCapabilitiesResponse* capabilities) const {
  grpc::ClientContext context;
  const grpc::Status status = service_->GetCapabilities(&context, {}, capabilities);
  if (status.ok() && capabilities->page_size_bytes() == 0) {
    return grpc::Status(grpc::StatusCode::INTERNAL, "the daemon does not tell its page size");
  }
  return status;
}

}  // namespace pagemapd
