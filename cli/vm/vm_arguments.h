#ifndef PAGEMAPD_CLI_VM_VM_ARGUMENTS_H_
#define PAGEMAPD_CLI_VM_VM_ARGUMENTS_H_

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "cli/page_arguments.h"
#include "cli/pageout/pageout_arguments.h"
#include "cli/vm/vm_command.h"

namespace pagemapd {

// What `vm` and its commands are given, as text that CLI11 has checked.
struct VmArguments {
  std::string qmp;
  std::vector<std::string> blocks;
  std::vector<std::string> ranges;
  std::vector<std::string> guest_ranges;
  PageArguments pages;
  std::string from;
  PageOutSwitchArguments switches;
};

// Adds `vm` and the commands below it; returns `vm`. `arguments` must outlive the parsing.
CLI::App* AddVm(CLI::App* app, VmArguments* arguments);

// What is wrong with arguments that CLI11 found nothing wrong with; empty if nothing is. `vm` is
// what AddVm returned, and was parsed.
std::string WrongVm(const CLI::App& vm, const VmArguments& arguments);

VmOptions VmOptionsOf(const CLI::App& vm, const VmArguments& arguments);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VM_VM_ARGUMENTS_H_
