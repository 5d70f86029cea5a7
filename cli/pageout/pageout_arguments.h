#ifndef PAGEMAPD_CLI_PAGEOUT_PAGEOUT_ARGUMENTS_H_
#define PAGEMAPD_CLI_PAGEOUT_PAGEOUT_ARGUMENTS_H_

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "cli/pageout/pageout_command.h"

namespace pagemapd {

// The switches of a page-out, as text that CLI11 has checked.
struct PageOutSwitchArguments {
  bool dry_run = false;
  bool if_idle = false;
  std::string rate;
};

// Adds --dry-run, --if-idle and --rate.
void AddPageOutSwitches(CLI::App* command, PageOutSwitchArguments* arguments);
PageOutSwitches SwitchesOf(const PageOutSwitchArguments& arguments);

// What `pageout` is given.
struct PageOutArguments {
  std::string pid;
  std::vector<std::string> ranges;
  std::vector<std::string> globs;
  std::string from;
  PageOutSwitchArguments switches;
};

// Adds the command. `arguments` must outlive the parsing.
CLI::App* AddPageOut(CLI::App* app, PageOutArguments* arguments);

// What is wrong with arguments that CLI11 found nothing wrong with; empty if nothing is.
std::string WrongPageOut(const PageOutArguments& arguments);

PageOutOptions PageOutOptionsOf(const PageOutArguments& arguments);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_PAGEOUT_PAGEOUT_ARGUMENTS_H_
