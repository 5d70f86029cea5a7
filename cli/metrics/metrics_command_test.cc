#include "cli/metrics/metrics_command.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "cli/metrics/metrics_fixture.h"
#include "cli/vm/qmp_peer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST_F(MetricsTest, TellsOfTheDaemonAndItsMachine) {
  const Result result = RunMetricsWith({});
  EXPECT_EQ(result.code, ExitCode::kDone);
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(service_.summaries.size(), 0u);
  EXPECT_THAT(result.out, StartsWith("# HELP pagemapd_connections Open connections.\n"
                                     "# TYPE pagemapd_connections gauge\n"
                                     "pagemapd_connections 4\n"
                                     "# HELP pagemapd_denials_total "));
  EXPECT_THAT(result.out, HasSubstr("# TYPE pagemapd_denials_total counter\n"));
  EXPECT_EQ(SamplesOf("pagemapd_", result.out),
            "pagemapd_connections 4\n"
            "pagemapd_denials_total{right=\"inspect\"} 2\n"
            "pagemapd_denials_total{right=\"locations\"} 0\n"
            "pagemapd_denials_total{right=\"pageout\"} 0\n"
            "pagemapd_held_up_workers 7\n"
            "pagemapd_in_flight_bytes 2097152\n"
            "pagemapd_in_flight_limit_bytes 67108864\n"
            "pagemapd_info{version=\"0.7.0\",kernel_release=\"6.1.0-test\",sources=\"marker,bpf\"} "
            "1\n"
            "pagemapd_page_out_achieved_pages_total 60\n"
            "pagemapd_page_out_attempted_pages_total 70\n"
            "pagemapd_page_size_bytes 4096\n"
            "pagemapd_policy_failures_total 1\n"
            "pagemapd_policy_loads_total 3\n"
            "pagemapd_refused_connections_total 6\n"
            "pagemapd_requests_in_progress 1\n"
            "pagemapd_requests_total{method=\"QueryPages\",code=\"OK\"} 12\n"
            "pagemapd_requests_total{method=\"QueryPages\",code=\"RESOURCE_EXHAUSTED\"} 3\n"
            "pagemapd_requests_total{method=\"PageOut\",code=\"CODE_77\"} 1\n"
            "pagemapd_resident_memory_bytes 41943040\n"
            "pagemapd_scan_seconds_total 3.000000007\n"
            "pagemapd_scanned_pages_total 1000000\n"
            "pagemapd_skipped_pages_total 5\n"
            "pagemapd_source_active{source=\"marker\"} 1\n"
            "pagemapd_source_active{source=\"bpf\"} 1\n"
            "pagemapd_source_active{source=\"probe\"} 0\n"
            "pagemapd_start_time_seconds 1700000000\n"
            "pagemapd_swap_area_priority{area=\"/dev/zram0\",kind=\"device\"} 100\n"
            "pagemapd_swap_area_priority{area=\"/swap \\\"file\\\"\",kind=\"file\"} -2\n"
            "pagemapd_swap_area_size_bytes{area=\"/dev/zram0\",kind=\"device\"} 4194304\n"
            "pagemapd_swap_area_size_bytes{area=\"/swap \\\"file\\\"\",kind=\"file\"} 4194304\n"
            "pagemapd_swap_area_used_bytes{area=\"/dev/zram0\",kind=\"device\"} 1048576\n"
            "pagemapd_swap_area_used_bytes{area=\"/swap \\\"file\\\"\",kind=\"file\"} 0\n"
            "pagemapd_up 1\n"
            "pagemapd_zswap_enabled 0\n");
}

TEST_F(MetricsTest, AProcessThatIsGoneDoesNotKeepTheOthersBack) {
  char before[16];
  ASSERT_EQ(prctl(PR_GET_NAME, before), 0);
  ASSERT_EQ(prctl(PR_SET_NAME, "a\"b\\c\nd\xff}1"), 0);
  const std::string pid = absl::StrCat(getpid());
  // Once each, by ascending pid.
  const Result result = RunMetricsWith({{INT32_MAX, getpid(), INT32_MAX}, {}, ""});
  prctl(PR_SET_NAME, before);
  EXPECT_EQ(result.code, ExitCode::kPartlyDone);
  EXPECT_EQ(result.error, "pagemapctl: no process has the pid\n");
  // A call each, that one which takes too long keeps none of the others back.
  ASSERT_EQ(service_.summaries.size(), 2u);
  EXPECT_EQ(service_.summaries[0].targets_size(), 1);
  EXPECT_EQ(service_.summaries[1].targets(0).process().pid(), INT32_MAX);
  const std::string labels = absl::StrCat("{pid=\"", pid, "\",comm=\"a\\\"b\\\\c\\nd\\\\xff}1\"");
  const std::string memory = absl::StrCat("pagemapd_process_memory_bytes", labels);
  const std::string swapped = absl::StrCat("pagemapd_process_swapped_bytes", labels);
  EXPECT_EQ(
      SamplesOf("pagemapd_process_", result.out),
      absl::StrCat("pagemapd_process_error{pid=\"2147483647\",reason=\"no_such_process\"} 1\n",
                   memory, ",state=\"hole\"} 4096\n",             //
                   memory, ",state=\"mapped\"} 8192\n",           //
                   memory, ",state=\"cached\"} 0\n",              //
                   memory, ",state=\"swapped\"} 20480\n",         //
                   memory, ",state=\"special\"} 0\n",             //
                   memory, ",state=\"unknown\"} 0\n",             //
                   swapped, ",area=\"/dev/zram0\"} 12288\n",      //
                   swapped, ",area=\"type 4\"} 4096\n",           //
                   swapped, ",area=\"unknown\"} 4096\n",          //
                   "pagemapd_process_up{pid=\"", pid, "\"} 1\n",  //
                   "pagemapd_process_up{pid=\"2147483647\"} 0\n"));
  EXPECT_THAT(result.out, HasSubstr("pagemapd_up 1\n"));
}

TEST_F(MetricsTest, ADenialIsTold) {
  v1::TargetError& error = *service_.summary.mutable_targets(1)->mutable_error();
  error.set_reason(v1::ERROR_REASON_PERMISSION_DENIED);
  EXPECT_THAT(RunMetricsWith({{1, 2}, {}, ""}).out,
              HasSubstr("pagemapd_process_error{pid=\"2\",reason=\"permission_denied\"} 1\n"));
  error.set_reason(static_cast<v1::ErrorReason>(99));
  EXPECT_THAT(RunMetricsWith({{1, 2}, {}, ""}).out,
              HasSubstr("pagemapd_process_error{pid=\"2\",reason=\"reason_99\"} 1\n"));
}

// What this program's /proc has by that number is another process than the daemon means.
TEST_F(MetricsTest, AnotherProcessDoesNotLendItsName) {
  v1::ProcessRef& process = *service_.summary.mutable_targets(0)->mutable_process();
  process.set_start_time_ticks(process.start_time_ticks() + 1);
  EXPECT_THAT(RunMetricsWith({{getpid(), INT32_MAX}, {}, ""}).out,
              HasSubstr(absl::StrCat("pagemapd_process_memory_bytes{pid=\"", getpid(),
                                     "\",comm=\"\",state=\"hole\"} 4096\n")));
}

TEST_F(MetricsTest, ACallThatFailsIsToldOfItsTargets) {
  service_.summary_status = grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "too many scans");
  const Result result = RunMetricsWith({{1, 2, 3, 4, 5}, {}, ""});
  EXPECT_EQ(service_.summaries.size(), 5u);
  EXPECT_EQ(result.code, ExitCode::kPartlyDone);
  for (int pid = 1; pid <= 5; ++pid) {
    EXPECT_THAT(result.out, HasSubstr(absl::StrCat("pagemapd_process_error{pid=\"", pid,
                                                   "\",reason=\"call_failed\"} 1\n")));
  }
  EXPECT_THAT(result.out, HasSubstr("pagemapd_scanned_pages_total 1000000\n"));
}

TEST_F(MetricsTest, AVmIsCountedByBlock) {
  const Result result = RunMetricsOfVm({});
  EXPECT_EQ(result.code, ExitCode::kPartlyDone);
  const std::string labels =
      absl::StrCat("{vm=\"web \\\"1\\\"\",qmp=\"QMP\",pid=\"", getpid(), "\",block=\"");
  EXPECT_EQ(
      SamplesOf("pagemapd_vm_swapped", result.out),
      absl::StrCat("pagemapd_vm_swapped_bytes", labels, "pc.ram\",area=\"/dev/zram0\"} 12288\n",
                   "pagemapd_vm_swapped_bytes", labels, "pc.ram\",area=\"type 4\"} 4096\n",
                   "pagemapd_vm_swapped_bytes", labels, "pc.ram\",area=\"unknown\"} 4096\n"));
  EXPECT_THAT(result.out, HasSubstr(absl::StrCat("pagemapd_vm_memory_bytes", labels,
                                                 "pc.ram\",state=\"swapped\"} 20480\n")));
  // The second block was not answered.
  EXPECT_THAT(result.out, Not(HasSubstr("pc.bios")));
  EXPECT_THAT(result.out, HasSubstr("pagemapd_vm_up{qmp=\"QMP\"} 0\n"));
  EXPECT_THAT(result.out,
              HasSubstr("pagemapd_vm_error{qmp=\"QMP\",reason=\"counted_in_part\"} 1\n"));
  EXPECT_EQ(SamplesOf("pagemapd_vm_uncounted", result.out),
            absl::StrCat("pagemapd_vm_uncounted_bytes", labels, "/rom@acpi\"} 4096\n"));
}

TEST_F(MetricsTest, AVmThatIsCountedIsUp) {
  *service_.summary.mutable_targets(1) = service_.summary.targets(0);
  script_.erase("query-name");
  const Result result = RunMetricsOfVm({});
  EXPECT_EQ(result.code, ExitCode::kDone) << result.error;
  EXPECT_THAT(result.out, HasSubstr("pagemapd_vm_up{qmp=\"QMP\"} 1\n"));
  EXPECT_THAT(result.out, Not(HasSubstr("pagemapd_vm_error")));
  EXPECT_THAT(result.out, HasSubstr("pagemapd_vm_memory_bytes{vm=\"\",qmp=\"QMP\",pid="));
  EXPECT_THAT(result.out, HasSubstr("block=\"pc.bios\",state=\"mapped\"} 8192\n"));
}

// Each of its answers comes in time.
TEST_F(MetricsTest, AVmThatIsSlowAtEveryAnswerDoesNotKeepTheOthersBack) {
  *service_.summary.mutable_targets(1) = service_.summary.targets(0);
  QmpScript many = script_;
  many["info ramblock"] =
      "Block Name PSize Offset Used Total\r\npc.ram 4 KiB 0x0 0x8000 0x8000\r\n";
  many["info mtree -f"] = "FlatView #0\r\n AS \"memory\", root: system\r\n";
  for (uint64_t offset = 0; offset < 0x8000; offset += 0x1000) {
    const uint64_t guest = 2 * offset;
    absl::StrAppend(&many["info mtree -f"], "  ", absl::Hex(guest), "-", absl::Hex(guest + 0xfff),
                    " (prio 0, ram): pc.ram @", absl::Hex(offset), "\r\n");
    for (const uint64_t in_page : {0x0, 0xfff}) {
      many[absl::StrCat("gpa2hva 0x", absl::Hex(guest + in_page))] =
          absl::StrCat("Host virtual address for 0x", absl::Hex(guest + in_page), " (pc.ram) is 0x",
                       absl::Hex(0x7f0000000000 + offset + in_page), "\r\n");
    }
  }
  MetricsOptions options;
  options.qmp_patience = absl::Seconds(2);
  const QmpPeer slow(SpeakingAs(many, absl::Milliseconds(250)));
  const QmpPeer quick(SpeakingAs(script_));
  options.qmp_paths = {slow.path(), quick.path()};
  const Result result = RunMetricsWith(options);
  EXPECT_EQ(result.code, ExitCode::kPartlyDone);
  EXPECT_EQ(result.error,
            absl::StrCat("pagemapctl: QEMU at ", slow.path(), ": no answer in time\n"));
  EXPECT_THAT(result.out, HasSubstr(absl::StrCat("pagemapd_vm_up{qmp=\"", slow.path(), "\"} 0\n")));
  EXPECT_THAT(result.out, HasSubstr(absl::StrCat("pagemapd_vm_error{qmp=\"", slow.path(),
                                                 "\",reason=\"failed\"} 1\n")));
  EXPECT_THAT(result.out,
              HasSubstr(absl::StrCat("pagemapd_vm_up{qmp=\"", quick.path(), "\"} 1\n")));
  EXPECT_THAT(result.out, HasSubstr("block=\"pc.ram\",state=\"swapped\"} 20480\n"));

  // It is its slowness, and nothing else, that it is not counted for.
  const QmpPeer same(SpeakingAs(many));
  options.qmp_paths = {same.path()};
  service_.summary.mutable_targets()->RemoveLast();
  EXPECT_THAT(RunMetricsWith(options).out,
              HasSubstr(absl::StrCat("pagemapd_vm_up{qmp=\"", same.path(), "\"} 1\n")));
}

TEST_F(MetricsTest, NoVm) {
  const Result result = RunMetricsWith({{}, {"/nonexistent/\xff", "/nonexistent/\xff"}, ""});
  EXPECT_EQ(result.code, ExitCode::kPartlyDone);
  EXPECT_EQ(SamplesOf("pagemapd_vm_", result.out),
            "pagemapd_vm_error{qmp=\"/nonexistent/\\\\xff\",reason=\"failed\"} 1\n"
            "pagemapd_vm_up{qmp=\"/nonexistent/\\\\xff\"} 0\n");
}

// A daemon from before there were statistics.
TEST_F(MetricsTest, WithoutStatisticsTheRestIsTold) {
  service_.statistics_status = grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "");
  const Result result = RunMetricsWith({});
  EXPECT_EQ(result.code, ExitCode::kPartlyDone);
  EXPECT_THAT(result.out, HasSubstr("pagemapd_up 1\n"));
  EXPECT_THAT(result.out, Not(HasSubstr("requests_total")));
}

TEST_F(MetricsTest, WritesAFileInPlaceOfStandardOutput) {
  char name[] = "/tmp/metrics-command-test-XXXXXX";
  ASSERT_NE(mkdtemp(name), nullptr);
  MetricsOptions options;
  options.textfile = absl::StrCat(name, "/x.prom");
  const Result result = RunMetricsWith(options);
  EXPECT_EQ(result.code, ExitCode::kDone);
  EXPECT_EQ(result.out, "");
  std::ifstream file(options.textfile);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), RunMetricsWith({}).out);

  options.textfile = absl::StrCat(name, "/none/x.prom");
  const Result failed = RunMetricsWith(options);
  EXPECT_EQ(failed.code, ExitCode::kFailed);
  EXPECT_EQ(failed.error, absl::StrCat("pagemapctl: cannot write ", options.textfile,
                                       ": No such file or directory\n"));
  std::filesystem::remove_all(name);
}

// Nobody takes the call: whoever watches must be told so.
TEST_F(MetricsTest, ADaemonThatCannotBeReachedIsNotUp) {
  service_.capabilities.clear_page_size_bytes();
  const Result result = RunMetricsWith({{1}, {"/nonexistent"}, ""});
  EXPECT_EQ(result.code, ExitCode::kFailed);
  EXPECT_EQ(result.out,
            "# HELP pagemapd_up Whether pagemapd answered.\n"
            "# TYPE pagemapd_up gauge\n"
            "pagemapd_up 0\n");
}

}  // namespace
}  // namespace pagemapd
