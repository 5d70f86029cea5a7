#ifndef PAGEMAPD_CLI_OUTPUT_TERMINAL_H_
#define PAGEMAPD_CLI_OUTPUT_TERMINAL_H_

namespace pagemapd {

// What a file descriptor's reader can show.
struct Terminal {
  bool is_terminal = false;
  bool color = false;
  bool utf8 = false;
  // Columns.
  int width = 80;
};

// The facts about `fd`, from the kernel and the environment.
Terminal DescribeTerminal(int fd);

// What the facts follow from; unset variables are null.
struct TerminalEnvironment {
  bool is_terminal = false;
  // From TIOCGWINSZ; 0 if it does not tell.
  int window_columns = 0;
  const char* columns = nullptr;
  const char* term = nullptr;
  const char* no_color = nullptr;
  const char* lc_all = nullptr;
  const char* lc_ctype = nullptr;
  const char* lang = nullptr;
};

// Width: $COLUMNS, then the window, then 80; at least 40, at most 1000. Colour: on a terminal that
// is not "dumb", unless $NO_COLOR is set and not empty. UTF-8: if the first of LC_ALL, LC_CTYPE and
// LANG that is not empty names that codeset.
Terminal DescribeTerminal(const TerminalEnvironment& environment);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_OUTPUT_TERMINAL_H_
