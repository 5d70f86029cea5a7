#include "daemon/bpf/quiet_libbpf.h"

#include <bpf/libbpf.h>
#include <errno.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "daemon/sys/errno_status.h"

namespace pagemapd {
namespace {

thread_local std::string first_warning;

__attribute__((format(printf, 2, 0))) int KeepFirstWarning(enum libbpf_print_level level,
                                                           const char* format, va_list arguments) {
  if (level != LIBBPF_WARN || !first_warning.empty()) return 0;
  // A verifier's log is a warning, too: no more of it than a line is kept.
  char text[512];
  vsnprintf(text, sizeof(text), format, arguments);
  absl::string_view line = text;
  absl::ConsumePrefix(&line, "libbpf: ");
  line = line.substr(0, line.find('\n'));
  first_warning = std::string(absl::StripAsciiWhitespace(line));
  return 0;
}

}  // namespace

void InstallLibbpfLog() {
  libbpf_set_print(KeepFirstWarning);
  first_warning.clear();
}

absl::Status LibbpfError(int error, absl::string_view attempted) {
  error = std::abs(error);
  if (error == EPERM) {
    // libbpf guesses at limits of locked memory.
    first_warning = "CAP_BPF and CAP_PERFMON are needed";
  }
  absl::Status status;
  if (error < __LIBBPF_ERRNO__START) {
    status = ErrnoStatus(error, attempted);
  } else {
    char name[128];
    libbpf_strerror(error, name, sizeof(name));
    status = absl::UnknownError(absl::StrCat(attempted, ": ", name));
  }
  if (first_warning.empty()) return status;
  status = absl::Status(status.code(), absl::StrCat(status.message(), ": ", first_warning));
  first_warning.clear();
  return status;
}

}  // namespace pagemapd
