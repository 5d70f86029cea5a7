#include "cli/argument_checks.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "cli/address_span.h"
#include "cli/connection.h"
#include "cli/page_names.h"

namespace pagemapd {
namespace {

bool ParsePid(const std::string& text, int32_t* pid) {
  return std::all_of(text.begin(), text.end(), absl::ascii_isdigit) &&
         absl::SimpleAtoi(text, pid) && *pid > 0;
}

}  // namespace

std::string CheckPid(const std::string& text) {
  int32_t pid;
  return ParsePid(text, &pid) ? "" : absl::StrCat("'", text, "' is not a process id");
}

std::string CheckRange(const std::string& text) {
  AddressSpan span;
  return ParseAddressSpan(text, &span)
             ? ""
             : absl::StrCat("'", text, "' is not a range START-END in hexadecimal");
}

std::string CheckObjectAddress(const std::string& text) {
  uint64_t address;
  return ParseAddress(text, &address)
             ? ""
             : absl::StrCat("'", text, "' is not an address in hexadecimal");
}

std::string CheckState(const std::string& text) {
  v1::PageState state;
  return ParseState(text, &state)
             ? ""
             : absl::StrCat("'", text,
                            "' is not a state: hole, mapped, cached, swapped, special, unknown");
}

std::string CheckAddress(const std::string& text) {
  return !GrpcTargetOf(text).empty()
             ? ""
             : absl::StrCat("'", text, "' is not an address: unix:///PATH, tcp://HOST:PORT");
}

int32_t PidOf(const std::string& text) {
  int32_t pid = 0;
  return ParsePid(text, &pid) ? pid : 0;
}

void AddPid(CLI::App* command, std::string* pid) {
  command->add_option("PID", *pid, "Process id")->required()->type_name("")->check(CheckPid);
}

}  // namespace pagemapd
