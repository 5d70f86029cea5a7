#include "cli/vm/vm_arguments.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Parsed {
  // What was wrong; empty if nothing was.
  std::string error;
  VmOptions options;
};

Parsed Parse(std::vector<std::string> words) {
  CLI::App app;
  VmArguments arguments;
  CLI::App* const vm = AddVm(&app, &arguments);
  std::vector<const char*> argv = {"pagemapctl", "vm"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  Parsed parsed;
  try {
    app.parse(argv.size(), argv.data());
  } catch (const CLI::ParseError& e) {
    parsed.error = e.what();
    return parsed;
  }
  parsed.error = WrongVm(*vm, arguments);
  if (parsed.error.empty()) parsed.options = VmOptionsOf(*vm, arguments);
  return parsed;
}

TEST(VmArguments, EachCommandTakesASocket) {
  const auto ram = Parse({"ram", "--qmp", "/run/a"});
  EXPECT_EQ(std::get<VmRamOptions>(ram.options.command).qmp_path, "/run/a");
  const auto estimate = Parse({"estimate", "--qmp", "/run/a"});
  EXPECT_EQ(std::get<VmEstimateOptions>(estimate.options.command).qmp_path, "/run/a");
  const auto summary = Parse({"summary", "--qmp", "/run/a", "--block", "x", "--block", "y"});
  EXPECT_THAT(std::get<VmSummaryOptions>(summary.options.command).blocks, ElementsAre("x", "y"));
  const auto map = Parse({"map", "--qmp", "/run/a", "--block", "x"});
  EXPECT_THAT(std::get<VmMapOptions>(map.options.command).blocks, ElementsAre("x"));
  for (const char* command : {"ram", "summary", "pages", "map", "pageout", "estimate"}) {
    EXPECT_THAT(Parse({command}).error, HasSubstr("--qmp")) << command;
    EXPECT_NE(Parse({command, "--qmp", ""}).error, "") << command;
  }
  EXPECT_NE(Parse({}).error, "");
  EXPECT_NE(Parse({"ram", "--qmp", "a", "--block", "x"}).error, "");
}

TEST(VmArguments, Pages) {
  const auto parsed = Parse({"pages", "--qmp", "a", "--block", "x", "--range", "1000-2000",
                             "--state", "swapped,hole", "--flags", "--swap-cache", "--locations"});
  ASSERT_EQ(parsed.error, "");
  const auto& options = std::get<VmPagesOptions>(parsed.options.command);
  EXPECT_THAT(options.selection.blocks, ElementsAre("x"));
  EXPECT_THAT(options.selection.offsets, ElementsAre(AddressSpan{0x1000, 0x2000}));
  EXPECT_THAT(options.states, ElementsAre(v1::PAGE_STATE_SWAPPED, v1::PAGE_STATE_HOLE));
  EXPECT_TRUE(options.details.flags);
  EXPECT_TRUE(options.details.swap_cache);
  EXPECT_EQ(options.details.locations, true);
  const auto guest = Parse({"pages", "--qmp", "a", "--gpa", "0x1000-2000", "--gpa", "3000-4000"});
  EXPECT_THAT(std::get<VmPagesOptions>(guest.options.command).selection.guest_spans,
              ElementsAre(AddressSpan{0x1000, 0x2000}, AddressSpan{0x3000, 0x4000}));
}

TEST(VmArguments, WhatDoesNotGoTogether) {
  EXPECT_THAT(Parse({"pages", "--qmp", "a", "--range", "0-1000"}).error, HasSubstr("--block"));
  EXPECT_THAT(Parse({"pages", "--qmp", "a", "--block", "x", "--gpa", "0-1000"}).error,
              HasSubstr("--gpa"));
  EXPECT_THAT(Parse({"pages", "--qmp", "a", "--gpa", "0x"}).error, HasSubstr("'0x'"));
  EXPECT_THAT(Parse({"pages", "--qmp", "a", "--state", "cold"}).error, HasSubstr("cold"));
  EXPECT_THAT(Parse({"pageout", "--qmp", "a"}).error, HasSubstr("--block '*' is all RAM"));
  EXPECT_THAT(Parse({"pageout", "--qmp", "a", "--from", "f", "--block", "x"}).error,
              HasSubstr("--from"));
  EXPECT_THAT(Parse({"pageout", "--qmp", "a", "--from", "f", "--gpa", "0-1000"}).error,
              HasSubstr("--from"));
}

TEST(VmArguments, PageOut) {
  const auto parsed =
      Parse({"pageout", "--qmp", "a", "--block", "*", "--dry-run", "--if-idle", "--rate", "100"});
  ASSERT_EQ(parsed.error, "");
  const auto& options = std::get<VmPageOutOptions>(parsed.options.command);
  EXPECT_THAT(options.selection.blocks, ElementsAre("*"));
  EXPECT_TRUE(options.switches.dry_run);
  EXPECT_TRUE(options.switches.only_idle);
  EXPECT_EQ(options.switches.max_pages_per_second, 100u);
  const auto from = Parse({"pageout", "--qmp", "a", "--from", "-"});
  EXPECT_EQ(std::get<VmPageOutOptions>(from.options.command).from, "-");
}

}  // namespace
}  // namespace pagemapd
