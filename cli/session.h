#ifndef PAGEMAPD_CLI_SESSION_H_
#define PAGEMAPD_CLI_SESSION_H_

#include <string>

#include "absl/strings/string_view.h"
#include "cli/exit_code.h"
#include "cli/output/output_stream.h"
#include "cli/output/terminal.h"
#include "pagemapd/v1/pagemap_service.grpc.pb.h"

namespace pagemapd {

enum class OutputFormat { kTable, kJson, kJsonLines, kCsv };

// What every command is given: the daemon, and where and how to write. Data goes to out(), all
// else to standard error.
class Session {
 public:
  // All pointers must outlive the session. `address` is as the user gave it.
  Session(std::string address, v1::PagemapService::StubInterface* service, OutputFormat format,
          bool with_heading, OutputStream* out);

  v1::PagemapService::StubInterface& service() const { return *service_; }
  const std::string& address() const { return address_; }
  OutputFormat format() const { return format_; }
  bool with_heading() const { return with_heading_; }
  OutputStream& out() const { return *out_; }
  const Terminal& out_terminal() const { return out_terminal_; }
  const Terminal& error_terminal() const { return error_terminal_; }

  // `bytes` as out()'s reader may see them: escaped for tables.
  std::string Printable(absl::string_view bytes) const;

  // "pagemapctl: MESSAGE" on standard error.
  void Complain(absl::string_view message) const;

  // Complains of a call or a target that failed, and says what to exit with if nothing was
  // answered. `status` and `error` are errors.
  ExitCode Fail(const grpc::Status& status) const;
  ExitCode Fail(const v1::TargetError& error) const;

  // Page size and limits of the daemon.
  grpc::Status GetCapabilities(v1::GetCapabilitiesResponse* capabilities) const;

 private:
  const std::string address_;
  v1::PagemapService::StubInterface* const service_;
  const OutputFormat format_;
  const bool with_heading_;
  OutputStream* const out_;
  const Terminal out_terminal_;
  const Terminal error_terminal_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_SESSION_H_
