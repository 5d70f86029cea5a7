#include "cli/pageout/pageout_arguments.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "cli/argument_checks.h"

namespace pagemapd {
namespace {

bool ParseRate(const std::string& text, uint64_t* rate) {
  return std::all_of(text.begin(), text.end(), absl::ascii_isdigit) &&
         absl::SimpleAtoi(text, rate) && *rate > 0;
}

std::string CheckRate(const std::string& text) {
  uint64_t rate;
  return ParseRate(text, &rate) ? "" : absl::StrCat("'", text, "' is not a number of pages");
}

std::string CheckFile(const std::string& text) { return text.empty() ? "'' is not a file" : ""; }

}  // namespace

void AddPageOutSwitches(CLI::App* command, PageOutSwitchArguments* arguments) {
  command->add_flag("--dry-run", arguments->dry_run,
                    "Change nothing; tell what would be paged out, and what\n"
                    "stands in the way");
  command->add_flag("--if-idle", arguments->if_idle,
                    "Only pages that nobody has touched since the last time\n"
                    "this was given for them. Takes a kernel with\n"
                    "CONFIG_IDLE_PAGE_TRACKING");
  command->add_option("--rate", arguments->rate, "At most so many pages a second")
      ->type_name("PAGES")
      ->check(CheckRate);
}

PageOutSwitches SwitchesOf(const PageOutSwitchArguments& arguments) {
  PageOutSwitches switches;
  switches.dry_run = arguments.dry_run;
  switches.only_idle = arguments.if_idle;
  if (!arguments.rate.empty()) ParseRate(arguments.rate, &switches.max_pages_per_second);
  return switches;
}

CLI::App* AddPageOut(CLI::App* app, PageOutArguments* arguments) {
  CLI::App* command =
      app->add_subcommand("pageout", "Page memory of a process out, and tell what became of it");
  AddPid(command, &arguments->pid);
  CLI::Option* range = command
                           ->add_option("--range", arguments->ranges,
                                        "These addresses, half-open, in hex as in\n"
                                        "/proc/PID/maps; repeatable")
                           ->type_name("START-END")
                           ->allow_extra_args(false)
                           ->check(CheckRange);
  CLI::Option* mapping = command
                             ->add_option("--mapping", arguments->globs,
                                          "The mappings whose path matches, such as\n"
                                          "'/memfd:*', '[heap]' or '[anon]'; repeatable.\n"
                                          "'*' is the whole process")
                             ->type_name("GLOB")
                             ->allow_extra_args(false);
  command
      ->add_option("--from", arguments->from,
                   "What was swapped when `pages PID -o jsonl` wrote FILE,\n"
                   "as far as the same is still mapped there; - is\n"
                   "standard input")
      ->type_name("FILE")
      ->check(CheckFile)
      ->excludes(range)
      ->excludes(mapping);
  AddPageOutSwitches(command, &arguments->switches);
  command->footer(
      "At least one of --range, --mapping and --from must be given. No data is lost: a\n"
      "page that cannot go stays. Exit code 3: some stayed.\n\n" +
      std::string(kGlobalOptionsToo) +
      "Examples:\n"
      "  pagemapctl pageout 4321 --mapping '/memfd:*' --dry-run\n"
      "  pagemapctl pages 4321 --state swapped -o jsonl > cold.jsonl\n"
      "  pagemapctl pageout 4321 --from cold.jsonl");
  return command;
}

std::string WrongPageOut(const PageOutArguments& arguments) {
  if (!arguments.ranges.empty() || !arguments.globs.empty() || !arguments.from.empty()) return "";
  return "pageout takes --range, --mapping or --from; --mapping '*' is the whole process";
}

PageOutOptions PageOutOptionsOf(const PageOutArguments& arguments) {
  PageOutOptions options;
  options.pid = PidOf(arguments.pid);
  for (const std::string& text : arguments.ranges) {
    ParseAddressSpan(text, &options.ranges.emplace_back());
  }
  options.globs = arguments.globs;
  options.from = arguments.from;
  options.switches = SwitchesOf(arguments.switches);
  return options;
}

}  // namespace pagemapd
