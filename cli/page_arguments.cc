#include "cli/page_arguments.h"

#include "cli/argument_checks.h"
#include "cli/page_names.h"

namespace pagemapd {

void AddPageStates(CLI::App* command, PageArguments* arguments) {
  command
      ->add_option("--state", arguments->states,
                   "Only these: hole, mapped, cached, swapped, special,\n"
                   "unknown")
      ->type_name("S,...")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CheckState);
}

std::vector<v1::PageState> StatesOf(const PageArguments& arguments) {
  std::vector<v1::PageState> states;
  for (const std::string& name : arguments.states) ParseState(name, &states.emplace_back());
  return states;
}

void AddPageDetails(CLI::App* command, PageArguments* arguments) {
  command->add_flag("--flags", arguments->flags,
                    "Show flags, those of the page frames included (ksm,\n"
                    "thp, hugetlb, zero, dirty, referenced, idle)");
  command->add_flag("--swap-cache", arguments->swap_cache,
                    "Show flags, with swap_cache for swapped pages of\n"
                    "shared memory that still have a copy in RAM");
  CLI::Option* const locations =
      command->add_flag("--locations", arguments->locations,
                        "Show PFNs and swap offsets, which split extents;\n"
                        "the default but in tables");
  command
      ->add_flag("--no-locations", arguments->no_locations,
                 "Leave them out; needs no right to see them")
      ->excludes(locations);
}

PageDetails DetailsOf(const PageArguments& arguments) {
  PageDetails details;
  details.flags = arguments.flags;
  details.swap_cache = arguments.swap_cache;
  if (arguments.locations) details.locations = true;
  if (arguments.no_locations) details.locations = false;
  return details;
}

}  // namespace pagemapd
