#include "cli/vm/vm_arguments.h"

#include "absl/strings/str_cat.h"
#include "cli/address_span.h"
#include "cli/argument_checks.h"

namespace pagemapd {
namespace {

std::string NotEmpty(const std::string& text) { return text.empty() ? "it is empty" : ""; }

// A command below `vm`, with --qmp.
CLI::App* AddCommand(CLI::App* vm, const std::string& name, const std::string& description,
                     const std::string& footer, VmArguments* arguments) {
  CLI::App* command = vm->add_subcommand(name, description);
  command->add_option("--qmp", arguments->qmp, "QEMU's QMP socket, a path")
      ->required()
      ->type_name("PATH")
      ->check(NotEmpty);
  command->footer(std::string(kGlobalOptionsToo) + footer);
  return command;
}

CLI::Option* AddBlocks(CLI::App* command, VmArguments* arguments) {
  return command
      ->add_option("--block", arguments->blocks,
                   "Only this RAM block, such as 'pc.ram': a name of\n"
                   "`vm ram`, or a pattern; repeatable")
      ->type_name("NAME")
      ->allow_extra_args(false)
      ->check(NotEmpty);
}

// --block, --range, --gpa.
void AddSelection(CLI::App* command, VmArguments* arguments) {
  CLI::Option* const block = AddBlocks(command, arguments);
  CLI::Option* const range = command
                                 ->add_option("--range", arguments->ranges,
                                              "Only these offsets into the one block,\n"
                                              "half-open, in hex; repeatable")
                                 ->type_name("START-END")
                                 ->allow_extra_args(false)
                                 ->check(CheckRange)
                                 ->needs(block);
  command
      ->add_option("--gpa", arguments->guest_ranges,
                   "Only the RAM at these guest-physical addresses,\n"
                   "half-open, in hex; repeatable")
      ->type_name("START-END")
      ->allow_extra_args(false)
      ->check(CheckRange)
      ->excludes(block)
      ->excludes(range);
}

void AddVmPages(CLI::App* vm, VmArguments* arguments) {
  CLI::App* const pages = AddCommand(
      vm, "pages", "List the pages of the RAM as extents, with their places in the guest",
      "Examples:\n"
      "  pagemapctl vm pages --qmp /run/vm1.qmp --state swapped --locations\n"
      "  pagemapctl vm pages --qmp /run/vm1.qmp --gpa 100000000-140000000\n"
      "  pagemapctl vm pages --qmp /run/vm1.qmp --state swapped -o jsonl > cold.jsonl",
      arguments);
  AddSelection(pages, arguments);
  AddPageStates(pages, &arguments->pages);
  AddPageDetails(pages, &arguments->pages);
}

void AddVmPageOut(CLI::App* vm, VmArguments* arguments) {
  CLI::App* const pageout = AddCommand(
      vm, "pageout", "Page RAM of the VM out, and tell what became of it",
      "At least one of --block, --gpa and --from must be given; --block '*' is all RAM. No\n"
      "data is lost: a page that cannot go stays. Exit code 3: some stayed.\n\n"
      "Examples:\n"
      "  pagemapctl vm pageout --qmp /run/vm1.qmp --block pc.ram --dry-run\n"
      "  pagemapctl vm pageout --qmp /run/vm1.qmp --from cold.jsonl",
      arguments);
  AddSelection(pageout, arguments);
  pageout
      ->add_option("--from", arguments->from,
                   "What was swapped when `vm pages -o jsonl` wrote FILE,\n"
                   "by block and offset: of this VM, or of the one that it\n"
                   "was migrated from; - is standard input")
      ->type_name("FILE")
      ->check(NotEmpty)
      ->excludes("--block")
      ->excludes("--range")
      ->excludes("--gpa");
  AddPageOutSwitches(pageout, &arguments->switches);
}

VmSelection SelectionOf(const VmArguments& arguments) {
  VmSelection selection;
  selection.blocks = arguments.blocks;
  for (const std::string& text : arguments.ranges) {
    ParseAddressSpan(text, &selection.offsets.emplace_back());
  }
  for (const std::string& text : arguments.guest_ranges) {
    ParseAddressSpan(text, &selection.guest_spans.emplace_back());
  }
  return selection;
}

VmPagesOptions PagesOf(const VmArguments& arguments) {
  VmPagesOptions options;
  options.qmp_path = arguments.qmp;
  options.selection = SelectionOf(arguments);
  options.states = StatesOf(arguments.pages);
  options.details = DetailsOf(arguments.pages);
  return options;
}

}  // namespace

CLI::App* AddVm(CLI::App* app, VmArguments* arguments) {
  CLI::App* const vm =
      app->add_subcommand("vm", "Do the same with the RAM of a QEMU, by its QMP socket");
  vm->require_subcommand(1);
  vm->footer(
      "QEMU talks to one client of a QMP socket at a time: give it one of its own, by\n"
      "-qmp unix:PATH,server=on,wait=off. `pagemapctl vm COMMAND --help` tells more.");
  AddCommand(vm, "ram", "List the RAM blocks, and where QEMU and the guest have them",
             "Example:\n  pagemapctl vm ram --qmp /run/vm1.qmp", arguments);
  AddBlocks(AddCommand(vm, "summary", "Count the pages of the RAM by state",
                       "Example:\n  pagemapctl vm summary --qmp /run/vm1.qmp", arguments),
            arguments);
  AddVmPages(vm, arguments);
  AddBlocks(
      AddCommand(vm, "map", "Draw the RAM",
                 "Example:\n  pagemapctl vm map --qmp /run/vm1.qmp --block pc.ram", arguments),
      arguments);
  AddVmPageOut(vm, arguments);
  AddCommand(vm, "estimate", "Tell what a migration that began now would meet",
             "Example:\n  pagemapctl vm estimate --qmp /run/vm1.qmp", arguments);
  return vm;
}

std::string WrongVm(const CLI::App& vm, const VmArguments& arguments) {
  if (vm.got_subcommand("pageout") && arguments.blocks.empty() && arguments.guest_ranges.empty() &&
      arguments.from.empty()) {
    return "vm pageout takes --block, --gpa or --from; --block '*' is all RAM";
  }
  return "";
}

VmOptions VmOptionsOf(const CLI::App& vm, const VmArguments& arguments) {
  if (vm.got_subcommand("summary")) return {VmSummaryOptions{arguments.qmp, arguments.blocks}};
  if (vm.got_subcommand("pages")) return {PagesOf(arguments)};
  if (vm.got_subcommand("map")) return {VmMapOptions{arguments.qmp, arguments.blocks}};
  if (vm.got_subcommand("pageout")) {
    VmPageOutOptions options;
    options.qmp_path = arguments.qmp;
    options.selection = SelectionOf(arguments);
    options.from = arguments.from;
    options.switches = SwitchesOf(arguments.switches);
    return {std::move(options)};
  }
  if (vm.got_subcommand("estimate")) return {VmEstimateOptions{arguments.qmp}};
  return {VmRamOptions{arguments.qmp}};
}

}  // namespace pagemapd
