#ifndef PAGEMAPD_CLI_ARGUMENT_CHECKS_H_
#define PAGEMAPD_CLI_ARGUMENT_CHECKS_H_

#include <CLI/App.hpp>
#include <cstdint>
#include <string>

namespace pagemapd {

// Checks for CLI11: what is wrong with a value, or nothing.
std::string CheckPid(const std::string& text);
std::string CheckRange(const std::string& text);
std::string CheckObjectAddress(const std::string& text);
std::string CheckState(const std::string& text);
std::string CheckAddress(const std::string& text);

// The process id that CheckPid accepted; 0 of any other text.
int32_t PidOf(const std::string& text);

// Adds the positional PID.
void AddPid(CLI::App* command, std::string* pid);

// Begins the footer of a command.
inline constexpr char kGlobalOptionsToo[] =
    "The options of `pagemapctl --help` can be given here too.\n\n";

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_ARGUMENT_CHECKS_H_
