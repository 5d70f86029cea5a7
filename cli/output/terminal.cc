#include "cli/output/terminal.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace pagemapd {
namespace {

bool IsSet(const char* variable) { return variable != nullptr && *variable != '\0'; }

bool NamesUtf8(const TerminalEnvironment& environment) {
  for (const char* locale : {environment.lc_all, environment.lc_ctype, environment.lang}) {
    if (!IsSet(locale)) continue;
    absl::string_view codeset = locale;  // language_TERRITORY.CODESET@modifier
    const size_t dot = codeset.find('.');
    if (dot == absl::string_view::npos) return false;
    codeset.remove_prefix(dot + 1);
    codeset = codeset.substr(0, codeset.find('@'));
    return absl::EqualsIgnoreCase(codeset, "UTF-8") || absl::EqualsIgnoreCase(codeset, "UTF8");
  }
  return false;
}

}  // namespace

Terminal DescribeTerminal(const TerminalEnvironment& environment) {
  Terminal terminal;
  terminal.is_terminal = environment.is_terminal;
  terminal.color = environment.is_terminal && IsSet(environment.term) &&
                   absl::string_view(environment.term) != "dumb" && !IsSet(environment.no_color);
  terminal.utf8 = NamesUtf8(environment);
  int columns = 0;
  if (!IsSet(environment.columns) || !absl::SimpleAtoi(environment.columns, &columns) ||
      columns <= 0) {
    columns = environment.window_columns;
  }
  if (columns > 0) terminal.width = std::clamp(columns, 40, 1000);
  return terminal;
}

Terminal DescribeTerminal(int fd) {
  TerminalEnvironment environment;
  environment.is_terminal = isatty(fd) == 1;
  struct winsize size = {};
  if (environment.is_terminal && ioctl(fd, TIOCGWINSZ, &size) == 0) {
    environment.window_columns = size.ws_col;
  }
  environment.columns = getenv("COLUMNS");
  environment.term = getenv("TERM");
  environment.no_color = getenv("NO_COLOR");
  environment.lc_all = getenv("LC_ALL");
  environment.lc_ctype = getenv("LC_CTYPE");
  environment.lang = getenv("LANG");
  return DescribeTerminal(environment);
}

}  // namespace pagemapd
