#ifndef PAGEMAPD_CLI_PAGE_ARGUMENTS_H_
#define PAGEMAPD_CLI_PAGE_ARGUMENTS_H_

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "cli/page_listing.h"

namespace pagemapd {

// Which states a list of pages shows, and what of each page; as text that CLI11 has checked.
struct PageArguments {
  std::vector<std::string> states;
  bool flags = false;
  bool swap_cache = false;
  bool locations = false;
  bool no_locations = false;
};

// Adds --state.
void AddPageStates(CLI::App* command, PageArguments* arguments);
std::vector<v1::PageState> StatesOf(const PageArguments& arguments);

// Adds --flags, --swap-cache, --locations and --no-locations.
void AddPageDetails(CLI::App* command, PageArguments* arguments);
PageDetails DetailsOf(const PageArguments& arguments);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_PAGE_ARGUMENTS_H_
