#include "cli/vm/vm_command.h"

#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/command_fixture.h"
#include "cli/vm/qmp_peer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr uint64_t kHost = 0x7f0000000000;

uint64_t OwnStartTime() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  std::istringstream fields(line.substr(line.rfind(')') + 2));
  std::string field;
  for (int i = 0; i < 20; ++i) fields >> field;
  return std::stoull(field);
}

// A VM of this process: pc.ram of 8 pages at kHost, of which the guest sees the first four at 0 and
// the others at 4 GiB; pc.bios of a page behind it; and a block that is nobody knows where.
class VmCommandTest : public CommandTest {
 protected:
  VmCommandTest() {
    script_ = {{"info ramblock",
                "Block Name PSize Offset Used Total HVA RO\r\n"
                "pc.ram 4 KiB 0x0 0x8000 0x8000 0x7f0000000000 rw\r\n"
                "pc.bios 4 KiB 0x8000 0x1000 0x1000 0x7f0000008000 ro\r\n"
                "/rom@acpi 4 KiB 0x9000 0x1000 0x2000 0x0 rw\r\n"},
               {"info mtree -f",
                "FlatView #0\r\n AS \"memory\", root: system\r\n Root memory region: system\r\n"
                "  0-3fff (prio 0, ram): pc.ram\r\n"
                "  fffff000-ffffffff (prio 0, rom): pc.bios\r\n"
                "  100000000-100003fff (prio 0, ram): pc.ram @4000\r\n"},
               {"query-memdev",
                "[{\"id\": \"pc.ram\", \"size\": 32768, \"share\": true, \"policy\": \"bind\", "
                "\"host-nodes\": [1]}]"},
               {"query-migrate",
                "{\"status\": \"active\", \"ram\": {\"total\": 36864, \"remaining\": 4096, "
                "\"transferred\": 32768, \"dirty-pages-rate\": 12}}"}};
    service_.mappings.mutable_process()->set_pid(getpid());
    service_.mappings.mutable_process()->set_start_time_ticks(OwnStartTime());
    v1::Mapping& ram = *service_.mappings.add_mappings();
    ram.mutable_range()->set_start(kHost);
    ram.mutable_range()->set_end(kHost + 0x8000);
    ram.set_kind(v1::MAPPING_KIND_SHMEM);
    ram.set_shared(true);
    ram.set_path("/memfd:ram (deleted)");
    ram.mutable_object()->set_device_minor(1);
    ram.mutable_object()->set_inode(2049);
    v1::Mapping& bios = *service_.mappings.add_mappings();
    bios.mutable_range()->set_start(kHost + 0x8000);
    bios.mutable_range()->set_end(kHost + 0x9000);
    bios.set_kind(v1::MAPPING_KIND_ANON);
    service_.areas.add_areas()->set_path("/dev/zram0");
    service_.areas.add_type_names()->set_type(1);
  }

  // Pages 2 to 6 of pc.ram, in swap from slot 100 of area 1 on.
  void AnswerSwapped() {
    *service_.pages.add_starts()->mutable_process() = service_.mappings.process();
    v1::PageChunk& chunk = *service_.pages.add_chunks();
    chunk.set_start(kHost);
    chunk.set_pages(8);
    v1::PageExtent& extent = *chunk.add_extents();
    extent.set_start(kHost + 0x2000);
    extent.set_pages(5);
    extent.set_state(v1::PAGE_STATE_SWAPPED);
    extent.set_swap_type(1);
    extent.set_swap_offset(100);
    v1::PageCounts& counts = *service_.pages.add_ends()->mutable_counts();
    counts.set_hole(2);
    counts.set_mapped(1);
    counts.set_swapped(5);
  }

  template <typename Options>
  Result RunWith(OutputFormat format, Options options) {
    const QmpPeer peer(SpeakingAs(script_));
    options.qmp_path = peer.path();
    return Run(format, [&](const Session& session) { return RunVm(session, {options}); });
  }

  // The ranges of the first target of a query.
  static std::vector<AddressSpan> SpansOf(const v1::QueryPagesRequest& request) {
    std::vector<AddressSpan> spans;
    for (const v1::AddressRange& range : request.targets(0).ranges()) {
      spans.push_back({range.start(), range.end()});
    }
    return spans;
  }

  QmpScript script_;
};

TEST_F(VmCommandTest, RamTellsWhereBlocksAre) {
  const Result table = RunWith(OutputFormat::kTable, VmRamOptions{});
  EXPECT_EQ(table.code, ExitCode::kDone) << table.error;
  EXPECT_EQ(table.out,
            "BLOCK      SIZE  HOST                       KIND   SHARE    PAGE  NODE  GPA"
            "                  MAPPING\n"
            "pc.ram      32K  7f0000000000-7f0000008000  shmem  shared     4K     -  0-4000"
            "               /memfd:ram (deleted)\n"
            "                                                                        "
            "100000000-100004000\n"
            "pc.bios      4K  7f0000008000-7f0000009000  anon   private    4K     -  "
            "fffff000-100000000   [anon]\n"
            "/rom@acpi    4K  -                          -      -          4K     -  -"
            "                    -\n");
  const Result json = RunWith(OutputFormat::kJsonLines, VmRamOptions{});
  const auto block = nlohmann::json::parse(json.out.substr(0, json.out.find('\n')));
  EXPECT_EQ(block["start"], "0x7f0000000000");
  EXPECT_EQ(block["object"], "00:01:2049");
  EXPECT_EQ(block["memdev"]["host_nodes"], nlohmann::json({1}));
  EXPECT_EQ(block["guest"][1]["offset"], "0x4000");
  const Result csv = RunWith(OutputFormat::kCsv, VmRamOptions{});
  EXPECT_THAT(csv.out, HasSubstr(",pc.bios,4096,4096,4096,0x7f0000008000,0x7f0000009000,anon,"
                                 "false,,,,,0xfffff000,0x100000000,0x0,true\n"));
}

TEST_F(VmCommandTest, PagesAreSplitWhereTheGuestsAddressesAre) {
  AnswerSwapped();
  VmPagesOptions options;
  options.selection.blocks = {"pc.ram"};
  const Result result = RunWith(OutputFormat::kJsonLines, options);
  EXPECT_EQ(result.code, ExitCode::kDone) << result.error;
  const std::string process =
      absl::StrCat("{\"pid\":", getpid(), ",\"start_time_ticks\":", OwnStartTime());
  EXPECT_EQ(result.out,
            absl::StrCat(process,
                         ",\"start\":\"0x7f0000002000\",\"end\":\"0x7f0000004000\",\"pages\":2,"
                         "\"state\":\"swapped\",\"swap\":{\"type\":1,\"offset\":100,\"area\":"
                         "\"/dev/zram0\"},\"block\":\"pc.ram\",\"offset\":\"0x2000\",\"gpa\":"
                         "\"0x2000\"}\n",
                         process,
                         ",\"start\":\"0x7f0000004000\",\"end\":\"0x7f0000007000\",\"pages\":3,"
                         "\"state\":\"swapped\",\"swap\":{\"type\":1,\"offset\":102,\"area\":"
                         "\"/dev/zram0\"},\"block\":\"pc.ram\",\"offset\":\"0x4000\",\"gpa\":"
                         "\"0x100000000\"}\n"));
  ASSERT_EQ(service_.queries.size(), 1u);
  EXPECT_EQ(service_.queries[0].targets(0).process().start_time_ticks(), OwnStartTime());
  EXPECT_THAT(SpansOf(service_.queries[0]), ElementsAre(AddressSpan{kHost, kHost + 0x8000}));
}

TEST_F(VmCommandTest, PagesTakeOffsetsOrGuestPhysicalAddresses) {
  AnswerSwapped();
  VmPagesOptions offsets;
  offsets.selection.blocks = {"pc.r*"};
  offsets.selection.offsets = {{0x1000, 0x3000}};
  EXPECT_EQ(RunWith(OutputFormat::kTable, offsets).code, ExitCode::kDone);
  VmPagesOptions guest;
  guest.selection.guest_spans = {{0x3000, 0x100001000}};
  EXPECT_EQ(RunWith(OutputFormat::kCsv, guest).code, ExitCode::kDone);
  ASSERT_EQ(service_.queries.size(), 2u);
  EXPECT_THAT(SpansOf(service_.queries[0]),
              ElementsAre(AddressSpan{kHost + 0x1000, kHost + 0x3000}));
  EXPECT_THAT(SpansOf(service_.queries[1]),
              ElementsAre(AddressSpan{kHost + 0x3000, kHost + 0x5000},
                          AddressSpan{kHost + 0x8000, kHost + 0x9000}));
}

TEST_F(VmCommandTest, SelectionsThatCannotBe) {
  const auto error = [&](const VmSelection& selection) {
    VmPagesOptions options;
    options.selection = selection;
    const Result result = RunWith(OutputFormat::kTable, options);
    EXPECT_EQ(result.code, ExitCode::kFailed);
    EXPECT_EQ(result.out, "");
    return result.error;
  };
  EXPECT_THAT(error({{"pc.rom"}, {}, {}}), HasSubstr("no RAM block pc.rom"));
  EXPECT_THAT(error({{"/rom@acpi"}, {}, {}}), HasSubstr("/rom@acpi is, is not known"));
  EXPECT_THAT(error({{"pc.*"}, {{0, 0x1000}}, {}}), HasSubstr("2 are meant"));
  EXPECT_THAT(error({{"pc.ram"}, {{0, 0x9000}}, {}}), HasSubstr("0-9000 is not within pc.ram"));
  EXPECT_THAT(error({{"pc.ram"}, {{0x800, 0x1000}}, {}}), HasSubstr("not of whole pages"));
  EXPECT_THAT(error({{}, {}, {{0x1000, 0x1000}}}), HasSubstr("is empty"));
  EXPECT_THAT(error({{}, {}, {{0x4000, 0x5000}}}), HasSubstr("4000-5000"));
  EXPECT_TRUE(service_.queries.empty());
}

TEST_F(VmCommandTest, SummaryCountsEachBlockAndNamesWhatItDoesNot) {
  for (int i = 0; i < 2; ++i) {
    v1::TargetSummary& summary = *service_.summary.add_targets();
    *summary.mutable_process() = service_.mappings.process();
    summary.mutable_total()->set_mapped(i == 0 ? 3 : 1);
    if (i == 1) continue;
    summary.mutable_total()->set_swapped(5);
    v1::SwapUse& use = *summary.add_swap();
    use.set_type(1);
    use.set_pages(5);
  }
  const Result table = RunWith(OutputFormat::kTable, VmSummaryOptions{});
  EXPECT_EQ(table.code, ExitCode::kDone) << table.error;
  EXPECT_EQ(table.out,
            "BLOCK    HOLE  MAPPED  CACHED  SWAPPED  SPECIAL  UNKNOWN  PAGES  SIZE\n"
            "pc.ram      0       3       0        5        0        0      8   32K\n"
            "pc.bios     0       1       0        0        0        0      1    4K\n"
            "total       0       4       0        5        0        0      9   36K\n"
            "\n"
            "BLOCK   SWAP AREA   TYPE  PAGES  SIZE\n"
            "pc.ram  /dev/zram0     1      5   20K\n"
            "total   /dev/zram0     1      5   20K\n"
            "\n"
            "not counted, since it is not known where they are: /rom@acpi (4K)\n");
  ASSERT_EQ(service_.summaries.size(), 1u);
  ASSERT_EQ(service_.summaries[0].targets_size(), 2);
  EXPECT_EQ(service_.summaries[0].targets(1).ranges(0).start(), kHost + 0x8000);
  const Result json = RunWith(OutputFormat::kJson, VmSummaryOptions{});
  const auto document = nlohmann::json::parse(json.out);
  EXPECT_EQ(document["total"]["swap"], nlohmann::json::parse("[{\"type\":1,\"area\":\"/dev/zram0\","
                                                             "\"pages\":5}]"));
  EXPECT_EQ(document["blocks"][0]["swapped"], 5);
  EXPECT_EQ(document["not_counted"][0]["block"], "/rom@acpi");
}

TEST_F(VmCommandTest, SummaryTakesAnAnswerForEachTarget) {
  EXPECT_EQ(RunWith(OutputFormat::kTable, VmSummaryOptions{}).code, ExitCode::kFailed);
}

TEST_F(VmCommandTest, MapDrawsBlocks) {
  AnswerSwapped();
  const Result result = RunWith(OutputFormat::kJson, VmMapOptions{"", {"pc.ram"}});
  EXPECT_EQ(result.code, ExitCode::kDone) << result.error;
  const auto pictures = nlohmann::json::parse(result.out)["pictures"];
  ASSERT_EQ(pictures.size(), 1u);
  EXPECT_EQ(pictures[0]["path"], "pc.ram");
  EXPECT_EQ(pictures[0]["start"], "0x7f0000000000");
  EXPECT_EQ(pictures[0]["cells"][2]["swapped"], 1);
  EXPECT_EQ(pictures[0]["cells"][7]["swapped"], 0);
}

TEST_F(VmCommandTest, EstimateAddsUp) {
  AnswerSwapped();
  const Result json = RunWith(OutputFormat::kJson, VmEstimateOptions{});
  EXPECT_EQ(json.code, ExitCode::kDone) << json.error;
  const auto document = nlohmann::json::parse(json.out);
  const auto& ram = document["blocks"][0];
  EXPECT_EQ(ram["size_bytes"], 8 * 4096);
  EXPECT_EQ(ram["resident_bytes"], 4096);
  EXPECT_EQ(ram["swapped_bytes"], 5 * 4096);
  EXPECT_EQ(ram["with_copy_bytes"], 0);
  EXPECT_EQ(ram["hole_bytes"], 2 * 4096);
  EXPECT_EQ(ram["read_pages"], 5);
  EXPECT_EQ(ram["send_bytes"], 6 * 4096);
  EXPECT_EQ(ram["grow_bytes"], 2 * 4096);
  EXPECT_EQ(ram["hole_read"], "allocates");
  EXPECT_EQ(ram["swap"][0]["home"], "zram");
  EXPECT_EQ(ram["swap"][0]["read_bytes"], 5 * 4096);
  // The canned answer is the same for the second block, which is private.
  EXPECT_EQ(document["blocks"][1]["grow_bytes"], 0);
  EXPECT_EQ(document["blocks"][1]["copy_not_told_bytes"], 5 * 4096);
  EXPECT_EQ(document["total"]["read_pages"], 10);
  EXPECT_EQ(document["migration"]["state"], "active");
  EXPECT_EQ(document["migration"]["dirty_pages_per_second"], 12);
  // Holes are asked for, so that every source tells them from what is cached.
  EXPECT_EQ(service_.queries[0].states_size(), 2);

  const Result table = RunWith(OutputFormat::kTable, VmEstimateOptions{});
  EXPECT_THAT(table.out, HasSubstr("READ  40K (10 pages) at most from swap"));
  EXPECT_THAT(table.out, HasSubstr("migration: active, 4K of 36K left, 12 pages dirtied a second"));
  const Result csv = RunWith(OutputFormat::kCsv, VmEstimateOptions{});
  EXPECT_THAT(csv.out, HasSubstr(",pc.ram,shmem,true,true,allocates,32768,4096,20480,0,0,8192,0,0,"
                                 "5,20480,24576,8192\n"));
}

TEST_F(VmCommandTest, EstimateLeavesOutWhatTheMigrationDoes) {
  AnswerSwapped();
  script_["query-migrate-capabilities"] =
      "[1, {\"capability\": \"xbzrle\", \"state\": true}, {\"capability\": \"x-ignore-shared\", "
      "\"state\": true}]";
  const Result result = RunWith(OutputFormat::kJson, VmEstimateOptions{});
  const auto document = nlohmann::json::parse(result.out);
  EXPECT_EQ(document["blocks"][0]["sent"], false);
  EXPECT_EQ(document["blocks"][0]["send_bytes"], 0);
  EXPECT_EQ(document["blocks"][1]["sent"], true);
}

TEST_F(VmCommandTest, WhatACallerMayNotSeeIsSaidOnce) {
  AnswerSwapped();
  service_.pages.mutable_starts(0)->add_redacted(v1::PAGE_FIELD_LOCATION);
  v1::PageExtent& extent = *service_.pages.mutable_chunks(0)->mutable_extents(0);
  extent.clear_swap_type();
  extent.clear_swap_offset();
  const std::string complaint =
      absl::StrCat("pagemapctl: missing right locations: left out of process ", getpid(),
                   ": PFNs and swap offsets\n");

  const Result pages = RunWith(OutputFormat::kJsonLines, VmPagesOptions{});
  EXPECT_EQ(pages.code, ExitCode::kPartlyDone);
  EXPECT_EQ(pages.error, complaint);
  EXPECT_THAT(pages.out, HasSubstr("\"state\":\"swapped\",\"block\":\"pc.ram\""));

  // Two blocks, so two calls.
  const Result estimate = RunWith(OutputFormat::kJson, VmEstimateOptions{});
  EXPECT_EQ(estimate.code, ExitCode::kPartlyDone);
  EXPECT_EQ(estimate.error, complaint);
  const auto ram = nlohmann::json::parse(estimate.out)["blocks"][0];
  EXPECT_EQ(ram["swapped_bytes"], 5 * 4096);
  EXPECT_FALSE(ram["swap"][0].contains("type"));
}

TEST_F(VmCommandTest, PageOutExpectsWhatIsMapped) {
  service_.capabilities.mutable_kernel_features()->set_page_out(true);
  v1::PageOutResponse done;
  *done.mutable_process() = service_.mappings.process();
  done.mutable_counts()->set_asked(8);
  done.mutable_end();
  service_.page_outs = {{done}};
  VmPageOutOptions options;
  options.selection.blocks = {"pc.ram"};
  const Result result = RunWith(OutputFormat::kJson, options);
  ASSERT_EQ(service_.page_out_requests.size(), 1u) << result.error;
  const v1::PageOutRequest& request = service_.page_out_requests[0];
  EXPECT_EQ(request.process().start_time_ticks(), OwnStartTime());
  ASSERT_EQ(request.ranges_size(), 1);
  EXPECT_EQ(request.ranges(0).range().start(), kHost);
  EXPECT_EQ(request.ranges(0).range().end(), kHost + 0x8000);
  EXPECT_EQ(request.ranges(0).expected().object().inode(), 2049u);
}

TEST_F(VmCommandTest, PageOutOfARecordingGoesByBlockAndOffset) {
  service_.capabilities.mutable_kernel_features()->set_page_out(true);
  v1::PageOutResponse done;
  *done.mutable_process() = service_.mappings.process();
  done.mutable_end();
  service_.page_outs = {{done}};
  char name[] = "/tmp/vm-command-test-XXXXXX";
  const int fd = mkstemp(name);
  ASSERT_GE(fd, 0);
  const auto line = [](const char* place, const char* state) {
    return absl::StrCat(
        "{\"pid\":77,\"start_time_ticks\":5,\"start\":\"0x10000\",\"end\":\"0x12000\",\"pages\":2,"
        "\"state\":\"",
        state, "\"", place, "}\n");
  };
  const std::string text = absl::StrCat(
      line(",\"block\":\"pc.ram\",\"offset\":\"0x3000\",\"gpa\":\"0x3000\"", "swapped"),
      line(",\"block\":\"pc.ram\",\"offset\":\"0x0\"", "mapped"),
      line(",\"block\":\"pc.ram\",\"offset\":\"0x7000\"", "swapped"),
      line(",\"block\":\"pc.ram\",\"offset\":\"0x800\"", "swapped"),
      line(",\"block\":\"pc.ram\",\"offset\":\"0xfffffffffffff000\"", "swapped"),
      line(",\"block\":\"/rom@acpi\",\"offset\":\"0x0\"", "swapped"),
      line(",\"block\":\"other\",\"offset\":\"0x0\"", "swapped"), line("", "swapped"));
  ASSERT_EQ(write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  close(fd);
  VmPageOutOptions options;
  options.from = name;
  const Result result = RunWith(OutputFormat::kTable, options);
  unlink(name);
  ASSERT_EQ(service_.page_out_requests.size(), 1u) << result.error;
  const v1::PageOutRequest& request = service_.page_out_requests[0];
  EXPECT_EQ(request.process().pid(), getpid());
  ASSERT_EQ(request.ranges_size(), 1);
  EXPECT_EQ(request.ranges(0).range().start(), kHost + 0x3000);
  EXPECT_EQ(request.ranges(0).range().end(), kHost + 0x5000);
  EXPECT_EQ(request.ranges(0).expected().object_index(), 3u);
  for (const char* wrong :
       {":3: offset 0x7000 with 8192 bytes is not within pc.ram", ":4: offset 0x800",
        ":5: offset 0xfffffffffffff000", ":6: where the RAM block /rom@acpi is",
        ":7: the VM has no RAM block", ":8: has no block and offset"}) {
    EXPECT_THAT(result.error, HasSubstr(wrong));
  }
  options.from = "/tmp/vm-command-test/there-is-none";
  EXPECT_THAT(RunWith(OutputFormat::kTable, options).error, HasSubstr("cannot open"));
}

TEST_F(VmCommandTest, AnotherProcessOfTheSameNumberIsNotTheVm) {
  service_.mappings.mutable_process()->set_start_time_ticks(OwnStartTime() + 1);
  const Result result = RunWith(OutputFormat::kTable, VmRamOptions{});
  EXPECT_EQ(result.code, ExitCode::kFailed);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.error, HasSubstr("pid namespace"));
}

TEST_F(VmCommandTest, AQemuThatStopsAnsweringIsComplainedOf) {
  // Ends after its sixth answer: the last before what it is asked at the end.
  const QmpPeer peer([&](const QmpConnection& connection) {
    connection.Say(QmpGreeting());
    int answers = 0;
    for (std::string line; answers < 6 && !(line = connection.Hear()).empty(); ++answers) {
      const auto request = nlohmann::json::parse(line);
      nlohmann::json answer = {{"id", request["id"]}, {"return", nlohmann::json::object()}};
      if (request["execute"] == "human-monitor-command") {
        answer["return"] = script_[request["arguments"]["command-line"]];
      }
      connection.Say(answer.dump() + "\n");
    }
  });
  const Result result = Run(OutputFormat::kTable, [&](const Session& session) {
    return RunVm(session, {VmRamOptions{peer.path()}});
  });
  EXPECT_EQ(result.code, ExitCode::kPartlyDone);
  EXPECT_THAT(result.error, HasSubstr("no longer answers"));
  EXPECT_THAT(result.out, HasSubstr("pc.ram"));
}

TEST_F(VmCommandTest, NoQemu) {
  VmRamOptions options;
  options.qmp_path = "/tmp/there-is-none/qmp";
  const Result result =
      Run(OutputFormat::kTable, [&](const Session& session) { return RunVm(session, {options}); });
  EXPECT_EQ(result.code, ExitCode::kFailed);
  EXPECT_THAT(result.error, HasSubstr("QEMU at /tmp/there-is-none/qmp: "));
}

}  // namespace
}  // namespace pagemapd
