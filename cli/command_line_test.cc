#include "cli/command_line.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ParsedArguments Parse(std::vector<const char*> arguments, const char* environment = nullptr) {
  arguments.insert(arguments.begin(), "pagemapctl");
  return ParseArguments(arguments.size(), arguments.data(), environment);
}

TEST(CommandLineTest, GlobalOptionsGoBeforeAndAfterTheCommand) {
  for (const auto& parsed : {Parse({"-a", "unix:///x", "-o", "csv", "-n", "pages", "42"}),
                             Parse({"pages", "42", "-n", "-o", "csv", "-a", "unix:///x"}),
                             Parse({"pages", "-o", "csv", "42", "-a", "unix:///x", "-n"})}) {
    ASSERT_TRUE(parsed.run) << parsed.error;
    EXPECT_EQ(parsed.line.address, "unix:///x");
    EXPECT_EQ(parsed.line.format, OutputFormat::kCsv);
    EXPECT_FALSE(parsed.line.with_heading);
    EXPECT_EQ(std::get<PagesOptions>(parsed.line.command).pid, 42);
  }
}

TEST(CommandLineTest, TheAddressHasThreeOrigins) {
  EXPECT_EQ(Parse({"swap"}).line.address, "unix:///run/pagemapd/pagemapd.sock");
  EXPECT_EQ(Parse({"swap"}, "").line.address, "unix:///run/pagemapd/pagemapd.sock");
  EXPECT_EQ(Parse({"swap"}, "unix:///e").line.address, "unix:///e");
  EXPECT_EQ(Parse({"swap", "-a", "unix:x"}, "unix:///e").line.address, "unix:x");
  EXPECT_EQ(Parse({"swap"}, "nonsense").exit_code, ExitCode::kUsage);
  EXPECT_EQ(Parse({"swap", "-a", "nonsense"}).exit_code, ExitCode::kUsage);
}

TEST(CommandLineTest, TcpTakesThreeFiles) {
  for (const auto& parsed :
       {Parse({"-a", "tcp://h:1", "--tls-ca", "a", "--tls-cert", "c", "--tls-key", "k", "swap"}),
        Parse({"swap", "--tls-key=k", "--tls-cert=c", "--tls-ca=a"}, "h:1")}) {
    ASSERT_TRUE(parsed.run) << parsed.error;
    ASSERT_TRUE(parsed.line.tls.has_value());
    EXPECT_EQ(parsed.line.tls->ca, "a");
    EXPECT_EQ(parsed.line.tls->cert, "c");
    EXPECT_EQ(parsed.line.tls->key, "k");
    EXPECT_EQ(parsed.line.tls->server_name, "");
  }
  EXPECT_EQ(Parse({"swap", "-a", "h:1", "--tls-ca", "a", "--tls-cert", "c", "--tls-key", "k",
                   "--tls-name", "n"})
                .line.tls->server_name,
            "n");
  EXPECT_FALSE(Parse({"swap"}).line.tls.has_value());
}

TEST(CommandLineTest, PagesTakesItsOptions) {
  const auto parsed = Parse({"pages", "7", "--range", "1000-2000", "--range=0x5000-0x4000",
                             "--mapping", "/a", "--mapping", "[heap]", "--state", "swapped,hole",
                             "--state", "cached", "--view", "object", "--flags", "--no-locations"});
  ASSERT_TRUE(parsed.run) << parsed.error;
  const auto& options = std::get<PagesOptions>(parsed.line.command);
  EXPECT_THAT(options.ranges,
              ElementsAre(AddressSpan{0x1000, 0x2000}, AddressSpan{0x5000, 0x4000}));
  EXPECT_THAT(options.globs, ElementsAre("/a", "[heap]"));
  EXPECT_THAT(options.states,
              ElementsAre(v1::PAGE_STATE_SWAPPED, v1::PAGE_STATE_HOLE, v1::PAGE_STATE_CACHED));
  EXPECT_EQ(options.view, v1::VIEW_OBJECT);
  EXPECT_TRUE(options.details.flags);
  EXPECT_EQ(options.details.locations, false);
  EXPECT_FALSE(
      std::get<PagesOptions>(Parse({"pages", "7"}).line.command).details.locations.has_value());
}

TEST(CommandLineTest, AnObjectIsNamedByAnAddressItIsMappedAt) {
  for (const auto& parsed :
       {Parse({"pages", "7", "--object", "7f1200000123", "--range", "0-200000"}),
        Parse({"pages", "--view", "object", "--object=0x7F1200000123", "--range", "0-200000",
               "7"})}) {
    ASSERT_TRUE(parsed.run) << parsed.error;
    const auto& options = std::get<PagesOptions>(parsed.line.command);
    EXPECT_EQ(options.object_address, 0x7f1200000123u);
    EXPECT_EQ(options.view, v1::VIEW_OBJECT);
    EXPECT_THAT(options.ranges, ElementsAre(AddressSpan{0, 0x200000}));
  }
  const auto parsed = Parse({"pages", "7"});
  const auto& options = std::get<PagesOptions>(parsed.line.command);
  EXPECT_FALSE(options.object_address.has_value());
  EXPECT_EQ(options.view, v1::VIEW_PROCESS);
}

TEST(CommandLineTest, CostlyAnswersAreAskedForOneByOne) {
  auto parsed = Parse({"pages", "7", "--swap-cache"});
  ASSERT_TRUE(parsed.run) << parsed.error;
  EXPECT_TRUE(std::get<PagesOptions>(parsed.line.command).details.swap_cache);
  EXPECT_FALSE(std::get<PagesOptions>(parsed.line.command).details.flags);
  parsed = Parse({"pages", "7", "--flags"});
  EXPECT_FALSE(std::get<PagesOptions>(parsed.line.command).details.swap_cache);
  parsed = Parse({"summary", "7", "--folios"});
  ASSERT_TRUE(parsed.run) << parsed.error;
  EXPECT_TRUE(std::get<SummaryOptions>(parsed.line.command).folios);
  EXPECT_FALSE(std::get<SummaryOptions>(Parse({"summary", "7"}).line.command).folios);
}

TEST(CommandLineTest, PageoutTakesItsOptions) {
  auto parsed =
      Parse({"pageout", "--range", "1000-2000", "--mapping", "/a", "7", "--range", "0x5000-0x6000",
             "--mapping", "[heap]", "--dry-run", "--if-idle", "--rate", "18446744073709551615"});
  ASSERT_TRUE(parsed.run) << parsed.error;
  auto options = std::get<PageOutOptions>(parsed.line.command);
  EXPECT_EQ(options.pid, 7);
  EXPECT_THAT(options.ranges,
              ElementsAre(AddressSpan{0x1000, 0x2000}, AddressSpan{0x5000, 0x6000}));
  EXPECT_THAT(options.globs, ElementsAre("/a", "[heap]"));
  EXPECT_EQ(options.from, "");
  EXPECT_TRUE(options.switches.dry_run);
  EXPECT_TRUE(options.switches.only_idle);
  EXPECT_EQ(options.switches.max_pages_per_second, UINT64_MAX);

  for (const char* file : {"-", "cold.jsonl"}) {
    parsed = Parse({"pageout", "7", "--from", file, "-o", "jsonl"});
    ASSERT_TRUE(parsed.run) << parsed.error;
    options = std::get<PageOutOptions>(parsed.line.command);
    EXPECT_EQ(options.from, file);
    EXPECT_FALSE(options.switches.dry_run);
    EXPECT_FALSE(options.switches.only_idle);
    EXPECT_EQ(options.switches.max_pages_per_second, 0u);
  }
}

TEST(CommandLineTest, MetricsTakesProcessesAndVms) {
  const auto parsed =
      Parse({"metrics", "7", "--qmp", "a", "8", "--qmp=b", "--textfile", "/x.prom", "9"});
  ASSERT_TRUE(parsed.run) << parsed.error;
  const auto& options = std::get<MetricsOptions>(parsed.line.command);
  EXPECT_THAT(options.pids, ElementsAre(7, 8, 9));
  EXPECT_THAT(options.qmp_paths, ElementsAre("a", "b"));
  EXPECT_EQ(options.textfile, "/x.prom");

  const auto none = Parse({"metrics"});
  ASSERT_TRUE(none.run) << none.error;
  EXPECT_THAT(std::get<MetricsOptions>(none.line.command).pids, ElementsAre());
}

TEST(CommandLineTest, OptionsDoNotSwallowThePid) {
  const auto parsed = Parse({"pages", "--range", "1000-2000", "--state", "hole", "7"});
  ASSERT_TRUE(parsed.run) << parsed.error;
  EXPECT_EQ(std::get<PagesOptions>(parsed.line.command).pid, 7);
}

TEST(CommandLineTest, SummaryTakesManyProcesses) {
  const auto parsed = Parse({"summary", "1", "2", "3", "-o", "json"});
  ASSERT_TRUE(parsed.run) << parsed.error;
  EXPECT_THAT(std::get<SummaryOptions>(parsed.line.command).pids, ElementsAre(1, 2, 3));
}

TEST(CommandLineTest, WrongUseIsNamed) {
  const struct {
    std::vector<const char*> arguments;
    const char* named;
  } kCases[] = {
      {{}, "command is missing"},
      {{"frobnicate"}, "frobnicate"},
      {{"pages"}, "PID"},
      {{"pages", "0"}, "'0'"},
      {{"pages", "-1"}, "-1"},
      {{"pages", "1x"}, "'1x'"},
      {{"pages", "+1"}, "'+1'"},
      {{"pages", "2147483648"}, "2147483648"},
      {{"pages", "1", "2"}, "2"},
      {{"pages", "1", "--range", "zzz"}, "'zzz'"},
      {{"pages", "1", "--state", "hole,gone"}, "'gone'"},
      {{"pages", "1", "--view", "mine"}, "mine"},
      {{"pages", "1", "--locations", "--no-locations"}, "locations"},
      {{"pages", "1", "--object", "zzz"}, "'zzz' is not an address"},
      {{"pages", "1", "--object", "1000-2000"}, "'1000-2000' is not an address"},
      {{"pages", "1", "--object", ""}, "'' is not an address"},
      {{"pages", "1", "--object"}, "--object"},
      {{"pages", "1", "--object", "1000", "--object", "2000"}, "--object"},
      {{"pages", "1", "--object", "1000", "--view", "process"}, "--object excludes --view process"},
      {{"pages", "1", "--object", "1000", "--mapping", "/a"}, "--mapping excludes --object"},
      {{"map", "1", "--object", "1000"}, "--object"},
      {{"summary", "1", "--swap-cache"}, "--swap-cache"},
      {{"-o", "xml", "swap"}, "xml"},
      {{"swap", "extra"}, "extra"},
      {{"pageout"}, "PID"},
      {{"pageout", "1"}, "pageout takes --range, --mapping or --from"},
      {{"pageout", "1", "--dry-run"}, "--mapping '*' is the whole process"},
      {{"pageout", "0", "--mapping", "*"}, "'0'"},
      {{"pageout", "1", "--range", "zzz"}, "'zzz'"},
      {{"pageout", "1", "--from", "f", "--range", "1000-2000"}, "--from"},
      {{"pageout", "1", "--mapping", "*", "--from", "f"}, "--from"},
      {{"pageout", "1", "--from", "f", "--from", "g"}, "--from"},
      {{"pageout", "1", "--from", ""}, "'' is not a file"},
      {{"pageout", "1", "--mapping", "*", "--rate", "0"}, "'0' is not a number of pages"},
      {{"pageout", "1", "--mapping", "*", "--rate", "-1"}, "'-1' is not a number of pages"},
      {{"pageout", "1", "--mapping", "*", "--rate", "1e3"}, "'1e3' is not a number of pages"},
      {{"pageout", "1", "--mapping", "*", "--rate", "18446744073709551616"},
       "18446744073709551616"},
      {{"pageout", "1", "--mapping", "*", "--state", "swapped"}, "--state"},
      {{"vm"}, "command is missing"},
      {{"vm", "ramm"}, "'ramm' is not a command"},
      {{"vm", "ram"}, "--qmp"},
      {{"vm", "pageout", "--qmp", "a"}, "vm pageout takes --block, --gpa or --from"},
      {{"metrics", "x"}, "'x'"},
      {{"metrics", "--qmp"}, "--qmp"},
      {{"metrics", "--textfile", ""}, "--textfile: it is empty"},
      {{"metrics", "-o", "table"}, "metrics has one format"},
      {{"-a", "tcp://h:1", "swap"},
       "TCP with mutual TLS only: for tcp://h:1, --tls-ca, --tls-cert, --tls-key are missing"},
      {{"-a", "h:1", "swap", "--tls-ca", "a", "--tls-key", "k"}, "for h:1, --tls-cert is missing"},
      {{"-a", "h:1", "swap", "--tls-name", "n"}, "--tls-ca, --tls-cert, --tls-key are missing"},
      {{"-a", "h:1", "swap", "--tls-ca", ""}, "--tls-ca: it is empty"},
      {{"-a", "unix:///x", "swap", "--tls-ca", "a"},
       "--tls-ca is for a tcp:// address, and unix:///x is none"},
      {{"swap", "--tls-name", "n", "--tls-key", "k"}, "--tls-key, --tls-name are for a tcp://"},
      {{"--frobnicate", "swap"}, "--frobnicate"},
      {{"--frobnicate"}, "not an option"},
  };
  for (const auto& c : kCases) {
    const ParsedArguments parsed = Parse(c.arguments);
    EXPECT_FALSE(parsed.run) << c.named;
    EXPECT_EQ(parsed.exit_code, ExitCode::kUsage) << c.named;
    EXPECT_THAT(parsed.error, HasSubstr(c.named));
    EXPECT_EQ(parsed.text, "");
  }
}

TEST(CommandLineTest, HelpAndVersionAreNoErrors) {
  ParsedArguments parsed = Parse({"--version"});
  EXPECT_FALSE(parsed.run);
  EXPECT_EQ(parsed.exit_code, ExitCode::kDone);
  EXPECT_THAT(parsed.text, testing::MatchesRegex("pagemapctl [0-9.]+\n"));
  for (const char* command :
       {"status", "mappings", "pages", "summary", "swap", "pageout", "map", "metrics"}) {
    EXPECT_THAT(Parse({"--help"}).text, HasSubstr(command));
    parsed = Parse({command, "--help"});
    EXPECT_EQ(parsed.exit_code, ExitCode::kDone);
    EXPECT_THAT(parsed.text, HasSubstr("Example"));
  }
}

}  // namespace
}  // namespace pagemapd
