#include "cli/metrics/metrics_fixture.h"

#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/local_process.h"

namespace pagemapd {
namespace {

constexpr uint64_t kHost = 0x7f0000000000;

void AddSource(const char* name, bool active, v1::GetCapabilitiesResponse* capabilities) {
  auto& source = *capabilities->add_sources();
  source.set_name(name);
  source.set_active(active);
}

void AddArea(const char* path, bool is_file, int priority, uint64_t used_pages,
             v1::ListSwapAreasResponse* areas) {
  v1::SwapArea& area = *areas->add_areas();
  area.set_path(path);
  area.set_is_file(is_file);
  area.set_priority(priority);
  area.set_size_pages(1024);
  area.set_used_pages(used_pages);
}

void AddCalls(const char* method, uint32_t code, uint64_t number,
              v1::GetStatisticsResponse* statistics) {
  auto& calls = *statistics->add_calls();
  calls.set_method(method);
  calls.set_code(code);
  calls.set_calls(number);
}

void FillStatistics(v1::GetStatisticsResponse* statistics) {
  statistics->set_start_time_seconds(1700000000);
  AddCalls("QueryPages", 0, 12, statistics);
  AddCalls("QueryPages", 8, 3, statistics);
  AddCalls("PageOut", 77, 1, statistics);
  statistics->set_scanned_pages(1000000);
  statistics->set_scan_ns(3000000007);
  statistics->set_skipped_pages(5);
  statistics->set_page_out_attempted_pages(70);
  statistics->set_page_out_achieved_pages(60);
  auto& denial = *statistics->add_denials();
  denial.set_right("inspect");
  denial.set_denials(2);
  statistics->set_calls_under_way(1);
  statistics->set_bytes_in_flight(2097152);
  statistics->set_connections(4);
  statistics->set_refused_connections(6);
  statistics->set_resident_bytes(41943040);
  statistics->set_policy_loads(3);
  statistics->set_policy_failures(1);
  statistics->set_held_up_workers(7);
}

}  // namespace

MetricsTest::MetricsTest() {
  script_ = {{"info ramblock",
              "Block Name PSize Offset Used Total HVA RO\r\n"
              "pc.ram 4 KiB 0x0 0x8000 0x8000 0x7f0000000000 rw\r\n"
              "pc.bios 4 KiB 0x8000 0x1000 0x1000 0x7f0000008000 ro\r\n"
              "/rom@acpi 4 KiB 0x9000 0x1000 0x2000 0x0 rw\r\n"},
             {"info mtree -f",
              "FlatView #0\r\n AS \"memory\", root: system\r\n Root memory region: system\r\n"
              "  0-7fff (prio 0, ram): pc.ram\r\n"},
             {"query-name", "{\"name\": \"web \\\"1\\\"\"}"}};
  service_.capabilities.set_version("0.7.0");
  service_.capabilities.set_kernel_release("6.1.0-test");
  service_.capabilities.mutable_limits()->set_max_bytes_in_flight(67108864);
  AddSource("marker", true, &service_.capabilities);
  AddSource("bpf", true, &service_.capabilities);
  AddSource("probe", false, &service_.capabilities);
  AddArea("/dev/zram0", /*is_file=*/false, 100, 256, &service_.areas);
  AddArea("/swap \"file\"", /*is_file=*/true, -2, 0, &service_.areas);
  service_.areas.add_type_names()->set_type(1);
  FillStatistics(&service_.statistics);

  v1::ProcessRef self;
  self.set_pid(getpid());
  self.set_start_time_ticks(ReadLocalProcess(getpid())->start_time_ticks);
  *service_.mappings.mutable_process() = self;
  v1::Mapping& ram = *service_.mappings.add_mappings();
  ram.mutable_range()->set_start(kHost);
  ram.mutable_range()->set_end(kHost + 0x8000);
  v1::Mapping& bios = *service_.mappings.add_mappings();
  bios.mutable_range()->set_start(kHost + 0x8000);
  bios.mutable_range()->set_end(kHost + 0x9000);

  v1::TargetSummary& there = *service_.summary.add_targets();
  *there.mutable_process() = self;
  there.mutable_total()->set_hole(1);
  there.mutable_total()->set_mapped(2);
  there.mutable_total()->set_swapped(5);
  v1::SwapUse& known = *there.add_swap();
  known.set_type(1);
  known.set_pages(3);
  v1::SwapUse& unnamed = *there.add_swap();
  unnamed.set_type(4);
  unnamed.set_pages(1);
  there.add_swap()->set_pages(1);
  v1::TargetError& gone = *service_.summary.add_targets()->mutable_error();
  gone.set_reason(v1::ERROR_REASON_NO_SUCH_PROCESS);
  gone.set_message("no process has the pid");
}

CommandTest::Result MetricsTest::RunMetricsWith(const MetricsOptions& options) {
  return Run(OutputFormat::kTable,
             [&](const Session& session) { return RunMetrics(session, options); });
}

CommandTest::Result MetricsTest::RunMetricsOfVm(MetricsOptions options) {
  const QmpPeer peer(SpeakingAs(script_));
  options.qmp_paths = {peer.path()};
  Result result = RunMetricsWith(options);
  // It is another one each time.
  for (size_t at; (at = result.out.find(peer.path())) != std::string::npos;) {
    result.out.replace(at, peer.path().size(), "QMP");
  }
  return result;
}

std::string MetricsTest::SamplesOf(const std::string& name, const std::string& out) {
  std::string samples;
  for (const absl::string_view line : absl::StrSplit(out, '\n')) {
    if (absl::StartsWith(line, name)) absl::StrAppend(&samples, line, "\n");
  }
  return samples;
}

}  // namespace pagemapd
