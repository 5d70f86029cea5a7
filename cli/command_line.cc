#include "cli/command_line.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/address_span.h"
#include "cli/argument_checks.h"
#include "cli/connection.h"
#include "cli/metrics/metrics_arguments.h"
#include "cli/page_arguments.h"
#include "cli/pageout/pageout_arguments.h"
#include "cli/tls_arguments.h"
#include "cli/vm/vm_arguments.h"
#include "version.h"

namespace pagemapd {
namespace {

constexpr char kDefaultAddress[] = "unix:///run/pagemapd/pagemapd.sock";

// Help with less noise: an option is its name and what it takes.
class TerseFormatter : public CLI::Formatter {
 public:
  TerseFormatter() {
    column_width(26);
    label("SUBCOMMAND", "COMMAND");
    label("Subcommands", "Commands");
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    return option->get_type_name().empty() ? "" : absl::StrCat(" ", option->get_type_name());
  }
};

// The options of all commands as text, checked by CLI11 before they are converted.
struct Arguments {
  std::string address;
  TlsFiles tls;
  std::string format = "table";
  bool no_heading = false;
  std::string pid;
  std::vector<std::string> pids;
  std::string object_address;
  std::vector<std::string> ranges;
  std::vector<std::string> globs;
  PageArguments pages;
  // Empty: process, or what --object implies.
  std::string view;
  bool mappings = false;
  bool folios = false;
  PageOutArguments pageout;
  VmArguments vm;
  MetricsArguments metrics;
};

CLI::Option* AddMapping(CLI::App* command, Arguments* arguments) {
  return command
      ->add_option("--mapping", arguments->globs,
                   "Only mappings whose path matches, such as\n"
                   "'/memfd:*', '[heap]' or '[anon]'; repeatable")
      ->type_name("GLOB")
      ->allow_extra_args(false);
}

void AddGlobalOptions(CLI::App* app, Arguments* arguments) {
  app->add_option("-a,--address", arguments->address,
                  absl::StrCat("The daemon: unix:///PATH or tcp://HOST:PORT,\n"
                               "which takes --tls-ca, --tls-cert and --tls-key;\n"
                               "otherwise $PAGEMAPD_ADDRESS, or\n",
                               kDefaultAddress))
      ->type_name("ADDRESS")
      ->check(CheckAddress);
  AddTls(app, &arguments->tls);
  app->add_option("-o,--output", arguments->format, "table (the default), json, jsonl or csv")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"table", "json", "jsonl", "csv"}).description(""));
  app->add_flag("-n,--no-header", arguments->no_heading, "No heading line in table and csv");
  app->set_version_flag("--version", absl::StrCat("pagemapctl ", kVersion), "Print the version");
}

CLI::App* AddPages(CLI::App* app, Arguments* arguments) {
  CLI::App* pages = app->add_subcommand("pages", "List the pages of a process as extents");
  AddPid(pages, &arguments->pid);
  pages
      ->add_option("--range", arguments->ranges,
                   "Only these addresses, half-open, in hex as in\n"
                   "/proc/PID/maps; repeatable")
      ->type_name("START-END")
      ->allow_extra_args(false)
      ->check(CheckRange);
  CLI::Option* mapping = AddMapping(pages, arguments);
  pages
      ->add_option("--object", arguments->object_address,
                   "The shared memory object that is mapped at this\n"
                   "address, in hex: all of it, pages that no process maps\n"
                   "included, or each --range, which is of byte offsets\n"
                   "then, as the output is. Implies --view object")
      ->type_name("ADDRESS")
      ->check(CheckObjectAddress)
      ->excludes(mapping);
  AddPageStates(pages, &arguments->pages);
  pages
      ->add_option("--view", arguments->view,
                   "process (the default): its page table, completed by\n"
                   "the page cache; object: the page cache alone,\n"
                   "whoever maps it")
      ->type_name("VIEW")
      ->check(CLI::IsMember({"process", "object"}).description(""));
  AddPageDetails(pages, &arguments->pages);
  pages->footer(std::string(kGlobalOptionsToo) +
                "Examples:\n"
                "  pagemapctl pages 4321 --mapping '/memfd:*' --state swapped --locations\n"
                "  pagemapctl pages 4321 --range 7f1200000000-7f1210000000 -o jsonl\n"
                "  pagemapctl pages 4321 --object 7f1200000000 --range 0-200000 --swap-cache");
  return pages;
}

PagesOptions PagesOf(const Arguments& arguments) {
  PagesOptions options;
  options.pid = PidOf(arguments.pid);
  const bool of_object = !arguments.object_address.empty();
  if (of_object) ParseAddress(arguments.object_address, &options.object_address.emplace());
  for (const std::string& text : arguments.ranges) {
    ParseAddressSpan(text, &options.ranges.emplace_back());
  }
  options.globs = arguments.globs;
  options.states = StatesOf(arguments.pages);
  options.view = of_object || arguments.view == "object" ? v1::VIEW_OBJECT : v1::VIEW_PROCESS;
  options.details = DetailsOf(arguments.pages);
  return options;
}

// What to say of a command that is missing, or that there is none of; empty if there is one.
std::string WrongCommand(const CLI::App& app) {
  const std::vector<CLI::App*> given = app.get_subcommands();
  if (!given.empty()) {
    return given[0]->get_require_subcommand_min() == 0 ? "" : WrongCommand(*given[0]);
  }
  // What a command does not know, it hands up.
  const CLI::App* outermost = &app;
  while (outermost->get_parent() != nullptr) outermost = outermost->get_parent();
  const std::vector<std::string> words = outermost->remaining(/*recurse=*/true);
  if (words.empty()) return "a command is missing";
  const bool option = words[0].size() > 1 && words[0][0] == '-';
  return absl::StrCat("'", words[0], "' is not ", option ? "an option" : "a command");
}

OutputFormat FormatOf(const std::string& name) {
  if (name == "json") return OutputFormat::kJson;
  if (name == "jsonl") return OutputFormat::kJsonLines;
  return name == "csv" ? OutputFormat::kCsv : OutputFormat::kTable;
}

}  // namespace

ParsedArguments ParseArguments(int argc, const char* const* argv, const char* environment_address) {
  Arguments arguments;
  CLI::App app("Where every page of a process is: in RAM, in swap, or nowhere", "pagemapctl");
  app.formatter(std::make_shared<TerseFormatter>());
  app.set_help_flag("-h,--help", "Print this help");
  app.fallthrough();
  app.require_subcommand(1);
  AddGlobalOptions(&app, &arguments);
  app.footer(
      "Examples:\n"
      "  pagemapctl summary 4321\n"
      "  pagemapctl map 4321\n"
      "  pagemapctl pages 4321 --state swapped -o jsonl\n"
      "\n"
      "Exit codes: 0 done, 1 failed, 2 usage, 3 partly done, 4 permission denied,\n"
      "5 daemon not reachable. `pagemapctl COMMAND --help` tells more.");

  CLI::App* status = app.add_subcommand("status", "Show what the daemon on this kernel can tell");
  status->footer(std::string(kGlobalOptionsToo) + "Example:\n  pagemapctl status");

  CLI::App* mappings = app.add_subcommand("mappings", "List the mappings (VMAs) of a process");
  AddPid(mappings, &arguments.pid);
  mappings->footer(std::string(kGlobalOptionsToo) + "Example:\n  pagemapctl mappings 4321");

  CLI::App* pages = AddPages(&app, &arguments);

  CLI::App* summary = app.add_subcommand("summary", "Count the pages of processes by state");
  summary->add_option("PID", arguments.pids, "Process ids")
      ->required()
      ->type_name("")
      ->check(CheckPid);
  summary->add_flag("--mappings", arguments.mappings,
                    "Count each mapping too; the default but in tables");
  summary->add_flag("--folios", arguments.folios,
                    "Count pages of shared memory by the size of their\n"
                    "folios too; not in csv. Takes the source bpf");
  summary->footer(std::string(kGlobalOptionsToo) +
                  "Examples:\n"
                  "  pagemapctl summary 4321 4322\n"
                  "  pagemapctl summary 4321 --folios\n"
                  "  pagemapctl summary 4321 -o json");

  CLI::App* swap = app.add_subcommand("swap", "List the swap areas");
  swap->footer(std::string(kGlobalOptionsToo) + "Example:\n  pagemapctl swap");

  CLI::App* pageout = AddPageOut(&app, &arguments.pageout);

  CLI::App* map = app.add_subcommand("map", "Draw the address space of a process");
  AddPid(map, &arguments.pid);
  AddMapping(map, &arguments);
  map->footer(
      "Every cell is an equal share of pages; the legend below the picture explains them.\n" +
      std::string(kGlobalOptionsToo) +
      "Examples:\n"
      "  pagemapctl map 4321\n"
      "  pagemapctl map 4321 --mapping '/memfd:*'");

  CLI::App* vm = AddVm(&app, &arguments.vm);

  CLI::App* metrics = AddMetrics(&app, &arguments.metrics);

  ParsedArguments parsed;
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {  // Help or version.
    std::ostringstream text;
    app.exit(e, text, text);
    parsed.text = text.str();
    return parsed;
  } catch (const CLI::ParseError& e) {
    parsed.exit_code = ExitCode::kUsage;
    parsed.error = WrongCommand(app);
    if (parsed.error.empty()) parsed.error = e.what();
    return parsed;
  }

  // CLI11 knows of options that exclude each other, not of one value that does.
  if (!arguments.object_address.empty() && arguments.view == "process") {
    parsed.error = "--object excludes --view process";
  }
  if (pageout->parsed()) parsed.error = WrongPageOut(arguments.pageout);
  if (vm->parsed()) parsed.error = WrongVm(*vm, arguments.vm);
  if (metrics->parsed() && app.count("--output") > 0) {
    parsed.error = "metrics has one format, that of Prometheus: --output does not go with it";
  }
  if (!parsed.error.empty()) {
    parsed.exit_code = ExitCode::kUsage;
    return parsed;
  }

  CommandLine& line = parsed.line;
  line.address = arguments.address;
  if (line.address.empty()) {
    const bool from_environment = environment_address != nullptr && *environment_address != '\0';
    line.address = from_environment ? environment_address : kDefaultAddress;
    if (std::string wrong = CheckAddress(line.address); !wrong.empty()) {
      parsed.exit_code = ExitCode::kUsage;
      parsed.error = absl::StrCat("PAGEMAPD_ADDRESS: ", wrong);
      return parsed;
    }
  }
  if (std::string wrong = WrongTls(line.address, arguments.tls); !wrong.empty()) {
    parsed.exit_code = ExitCode::kUsage;
    parsed.error = wrong;
    return parsed;
  }
  if (IsTcpAddress(line.address)) line.tls = arguments.tls;
  line.format = FormatOf(arguments.format);
  line.with_heading = !arguments.no_heading;
  if (mappings->parsed()) line.command = MappingsOptions{PidOf(arguments.pid)};
  if (pages->parsed()) line.command = PagesOf(arguments);
  if (summary->parsed()) {
    SummaryOptions options;
    for (const std::string& text : arguments.pids) options.pids.push_back(PidOf(text));
    options.mappings = arguments.mappings;
    options.folios = arguments.folios;
    line.command = std::move(options);
  }
  if (swap->parsed()) line.command = SwapOptions{};
  if (pageout->parsed()) line.command = PageOutOptionsOf(arguments.pageout);
  if (map->parsed()) line.command = MapOptions{PidOf(arguments.pid), arguments.globs};
  if (vm->parsed()) line.command = VmOptionsOf(*vm, arguments.vm);
  if (metrics->parsed()) line.command = MetricsOptionsOf(arguments.metrics);
  parsed.run = true;
  return parsed;
}

}  // namespace pagemapd
