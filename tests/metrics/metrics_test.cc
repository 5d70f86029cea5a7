// `pagemapctl metrics` of a real daemon, as Debian's node_exporter serves it.

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/metrics/exposition_samples.h"
#include "tests/metrics/node_exporter.h"
#include "tests/testing/caller.h"
#include "tests/testing/ctl_run.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/memory_region.h"
#include "tests/testing/page_client.h"
#include "tests/testing/qemu_process.h"
#include "tests/testing/swap_device.h"
#include "tests/testing/target_process.h"
#include "tests/testing/text_file.h"
#include "tests/testing/undo_entry.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kPages = 1024;
// Of those, from the first on.
constexpr uint64_t kPagedOut = 384;
// What no process can have.
constexpr int kNoPid = std::numeric_limits<int32_t>::max();
constexpr int kPartlyDone = 3;
constexpr int kUnreachable = 5;
// 15 bytes, as many as a name can have.
constexpr char kHostileName[] = "a\"b\\c\nd} 1\n\xff#\xc3\xa9";

class MetricsTest : public testing::Test {
 protected:
  void SetUp() override {
    char directory[] = "/tmp/pagemapd-metrics-XXXXXX";
    ASSERT_NE(mkdtemp(directory), nullptr);
    directory_ = directory;
    absl::StatusOr<UndoEntry> undo = UndoEntry::Register({"rmtree", directory});
    ASSERT_TRUE(undo.ok()) << undo.status();
    undo_directory_ = *std::move(undo);
    absl::StatusOr<DaemonProcess> daemon = DaemonProcess::Start({});
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    daemon_.emplace(*std::move(daemon));
    absl::StatusOr<NodeExporter> exporter = NodeExporter::Start(directory_);
    ASSERT_TRUE(exporter.ok()) << exporter.status();
    exporter_.emplace(*std::move(exporter));
  }

  std::string File() const { return directory_ + "/pagemapd.prom"; }

  // Runs `metrics` with `args` into the file.
  void Write(const std::vector<std::string>& args, int expected_exit_code) {
    std::vector<std::string> all = {"metrics", "--textfile", File()};
    all.insert(all.end(), args.begin(), args.end());
    const absl::StatusOr<CtlResult> result = RunCtl(daemon_->address(), all);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->exit_code, expected_exit_code) << result->err;
    EXPECT_EQ(result->out, "");
  }

  // What the exporter serves of the file, which must be all that is there.
  Samples Served() {
    const absl::StatusOr<std::string> body = exporter_->Scrape();
    EXPECT_TRUE(body.ok()) << body.status();
    if (!body.ok()) return {};
    EXPECT_TRUE(absl::StrContains(*body, "\nnode_textfile_scrape_error 0\n"))
        << exporter_->Log() << ReadText(File()).value_or("");
    absl::StatusOr<Samples> served = ParseSamples(*body, "pagemapd_");
    const absl::StatusOr<Samples> written =
        ParseSamples(ReadText(File()).value_or(""), "pagemapd_");
    EXPECT_TRUE(served.ok()) << served.status();
    EXPECT_TRUE(written.ok()) << written.status();
    if (!served.ok() || !written.ok()) return {};
    EXPECT_EQ(*served, *written);
    return *std::move(served);
  }

  std::string directory_;
  UndoEntry undo_directory_;
  std::optional<DaemonProcess> daemon_;
  std::optional<NodeExporter> exporter_;
};

double ValueOf(const Samples& samples, const Series& series) {
  const auto sample = samples.find(series);
  if (sample != samples.end()) return sample->second;
  ADD_FAILURE() << "not there: " << series << ", but:" << testing::PrintToString(samples);
  return -1;
}

// The kernel's own word on how much of a process is in swap, shared memory included.
double SwapOfSmaps(int pid) {
  std::istringstream lines(ReadText(absl::StrCat("/proc/", pid, "/smaps")).value_or(""));
  double kib = 0;
  for (std::string line; std::getline(lines, line);) {
    if (absl::StartsWith(line, "Swap:")) kib += atof(line.c_str() + 5);
  }
  return kib * 1024;
}

// The columns of /proc/swaps after the type: size, used, priority.
std::vector<double> SwapsLine(const std::string& path) {
  std::istringstream lines(ReadText("/proc/swaps").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string name, type;
    std::vector<double> numbers(3);
    if (fields >> name >> type >> numbers[0] >> numbers[1] >> numbers[2] && name == path) {
      return numbers;
    }
  }
  ADD_FAILURE() << path << " is not in /proc/swaps";
  return {0, 0, 0};
}

TEST_F(MetricsTest, WhatIsCountedIsWhatIsServed) {
  absl::StatusOr<SwapDevice> swap = SwapDevice::Create(64 << 20);
  ASSERT_TRUE(swap.ok()) << swap.status();
  absl::StatusOr<TargetProcess> target = TargetProcess::Start();
  ASSERT_TRUE(target.ok()) << target.status();
  const absl::StatusOr<MemoryRegion> region = MapRegion(*target, MemoryKind::kMemfd, kPages);
  ASSERT_TRUE(region.ok()) << region.status();
  ASSERT_TRUE(target->Write(region->address, {{0, kPages}}).ok());
  const absl::Status out = PageOutRuns(*target, region->address, {{0, kPagedOut}});
  ASSERT_TRUE(out.ok()) << out;
  ASSERT_TRUE(target->SyscallWithText(SYS_prctl, {PR_SET_NAME, kPayloadArg}, kHostileName).ok());
  const absl::StatusOr<pid_t> zombie = target->MakeZombie();
  ASSERT_TRUE(zombie.ok()) << zombie.status();
  const double swapped = SwapOfSmaps(target->pid());
  ASSERT_GE(swapped, kPagedOut * kPageBytes);

  const std::string pid = absl::StrCat(target->pid());
  Write({pid, absl::StrCat(kNoPid), absl::StrCat(*zombie)}, kPartlyDone);
  if (HasFatalFailure()) return;
  const Samples samples = Served();

  // Bytes that are not UTF-8 come as text; all others as they are.
  const std::string comm = "a\"b\\c\nd} 1\n\\xff#\xc3\xa9";
  const Series in_swap = {"pagemapd_process_memory_bytes",
                          {{"pid", pid}, {"comm", comm}, {"state", "swapped"}}};
  EXPECT_EQ(ValueOf(samples, in_swap), swapped);
  EXPECT_EQ(ValueOf(samples, {"pagemapd_process_swapped_bytes",
                              {{"pid", pid}, {"comm", comm}, {"area", swap->path()}}}),
            swapped);
  EXPECT_GE(ValueOf(samples, {"pagemapd_process_memory_bytes",
                              {{"pid", pid}, {"comm", comm}, {"state", "mapped"}}}),
            (kPages - kPagedOut) * kPageBytes);
  EXPECT_EQ(ValueOf(samples, {"pagemapd_process_up", {{"pid", pid}}}), 1);
  EXPECT_EQ(ValueOf(samples, {"pagemapd_process_up", {{"pid", absl::StrCat(kNoPid)}}}), 0);
  EXPECT_EQ(ValueOf(samples, {"pagemapd_process_error",
                              {{"pid", absl::StrCat(kNoPid)}, {"reason", "no_such_process"}}}),
            1);
  EXPECT_EQ(ValueOf(samples, {"pagemapd_process_error",
                              {{"pid", absl::StrCat(*zombie)}, {"reason", "no_address_space"}}}),
            1);

  const std::vector<double> line = SwapsLine(swap->path());
  const std::map<std::string, std::string> area = {{"area", swap->path()}, {"kind", "device"}};
  EXPECT_EQ(ValueOf(samples, {"pagemapd_swap_area_size_bytes", area}), line[0] * 1024);
  EXPECT_EQ(ValueOf(samples, {"pagemapd_swap_area_used_bytes", area}), line[1] * 1024);
  EXPECT_EQ(ValueOf(samples, {"pagemapd_swap_area_priority", area}), line[2]);
}

TEST_F(MetricsTest, TheDaemonsCountersAreServed) {
  absl::StatusOr<TargetProcess> target = TargetProcess::Start();
  ASSERT_TRUE(target.ok()) << target.status();
  const std::string pid = absl::StrCat(target->pid());
  ASSERT_TRUE(daemon_->OpenToAll().ok());
  // Somebody who may not.
  const auto stranger = NewStubAs({65534, 65534, {}}, daemon_->socket());
  ASSERT_TRUE(stranger.ok()) << stranger.status();
  v1::SummarizePagesRequest request;
  request.set_view(v1::VIEW_PROCESS);
  AddTarget(target->pid(), {}, &request);
  v1::SummarizePagesResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE((*stranger)->SummarizePages(&context, request, &response).ok());
  ASSERT_EQ(response.targets(0).error().reason(), v1::ERROR_REASON_PERMISSION_DENIED);

  Write({pid}, 0);
  if (HasFatalFailure()) return;
  const Samples before = Served();
  Write({pid, pid}, 0);
  if (HasFatalFailure()) return;
  const Samples after = Served();
  EXPECT_EQ(ValueOf(after, {"pagemapd_up", {}}), 1);
  EXPECT_EQ(ValueOf(after, {"pagemapd_denials_total", {{"right", "inspect"}}}), 1);
  EXPECT_EQ(ValueOf(after, {"pagemapd_denials_total", {{"right", "pageout"}}}), 0);
  const Series summaries = {"pagemapd_requests_total",
                            {{"method", "SummarizePages"}, {"code", "OK"}}};
  EXPECT_EQ(ValueOf(before, summaries), 2);
  EXPECT_EQ(ValueOf(after, summaries), 3);
  const double scanned = ValueOf(before, {"pagemapd_scanned_pages_total", {}});
  EXPECT_GT(scanned, 0);
  // The target waits, so that the second scan is like the first.
  EXPECT_EQ(ValueOf(after, {"pagemapd_scanned_pages_total", {}}), 2 * scanned);
  EXPECT_GT(ValueOf(after, {"pagemapd_scan_seconds_total", {}}),
            ValueOf(before, {"pagemapd_scan_seconds_total", {}}));
  EXPECT_GT(ValueOf(before, {"pagemapd_scan_seconds_total", {}}), 0);
  EXPECT_EQ(ValueOf(after, {"pagemapd_page_size_bytes", {}}), sysconf(_SC_PAGESIZE));
  const absl::StatusOr<uint64_t> rss = daemon_->RssBytes();
  ASSERT_TRUE(rss.ok()) << rss.status();
  EXPECT_GT(ValueOf(after, {"pagemapd_resident_memory_bytes", {}}), *rss / 2);
  EXPECT_LT(ValueOf(after, {"pagemapd_resident_memory_bytes", {}}), *rss * 2);
}

TEST_F(MetricsTest, AVmIsServedByBlock) {
  const std::string name = "we\"b\\1";
  absl::StatusOr<QemuProcess> qemu =
      QemuProcess::Start({"-S", "-M", "q35,memory-backend=ram", "-m", "32", "-object",
                          "memory-backend-memfd,id=ram,size=32M,share=on", "-name", name});
  ASSERT_TRUE(qemu.ok()) << qemu.status();
  Write({"--qmp", qemu->qmp_path(), "--qmp", directory_ + "/none"}, kPartlyDone);
  if (HasFatalFailure()) return;
  const Samples samples = Served();
  EXPECT_EQ(ValueOf(samples, {"pagemapd_vm_up", {{"qmp", qemu->qmp_path()}}}), 1);
  EXPECT_EQ(ValueOf(samples, {"pagemapd_vm_up", {{"qmp", directory_ + "/none"}}}), 0);

  const absl::StatusOr<CtlResult> ram =
      RunCtl(daemon_->address(), {"vm", "ram", "--qmp", qemu->qmp_path(), "-o", "json"});
  ASSERT_TRUE(ram.ok()) << ram.status();
  const auto blocks = nlohmann::json::parse(ram->out)["blocks"];
  ASSERT_GE(blocks.size(), 2u);
  for (const auto& block : blocks) {
    std::map<std::string, std::string> labels = {{"vm", name},
                                                 {"qmp", qemu->qmp_path()},
                                                 {"pid", absl::StrCat(qemu->pid())},
                                                 {"block", block["block"]}};
    if (!block.contains("start")) {
      EXPECT_EQ(ValueOf(samples, {"pagemapd_vm_uncounted_bytes", labels}),
                block["size_bytes"].get<double>());
      continue;
    }
    double bytes = 0;
    for (const char* state : {"hole", "mapped", "cached", "swapped", "special", "unknown"}) {
      labels["state"] = state;
      bytes += ValueOf(samples, {"pagemapd_vm_memory_bytes", labels});
    }
    EXPECT_EQ(bytes, block["size_bytes"].get<double>()) << block;
  }
}

// Whoever scrapes while the file is written anew sees all of the old one or all of the new one.
TEST_F(MetricsTest, AScrapeMeanwhileSeesAWholeFile) {
  Write({}, 0);
  if (HasFatalFailure()) return;
  const size_t series = Served().size();
  ASSERT_GT(series, 20u);
  std::thread writer([&] {
    for (int i = 0; i < 10; ++i) Write({}, 0);
  });
  for (int i = 0; i < 100; ++i) {
    const absl::StatusOr<std::string> body = exporter_->Scrape();
    EXPECT_TRUE(body.ok()) << body.status();
    if (!body.ok()) break;
    EXPECT_TRUE(absl::StrContains(*body, "\nnode_textfile_scrape_error 0\n")) << exporter_->Log();
    const absl::StatusOr<Samples> samples = ParseSamples(*body, "pagemapd_");
    EXPECT_TRUE(samples.ok()) << samples.status();
    if (!samples.ok()) break;
    EXPECT_GE(samples->size(), series);
  }
  writer.join();
}

TEST_F(MetricsTest, ADaemonThatIsGoneIsServedAsDown) {
  Write({}, 0);
  if (HasFatalFailure()) return;
  EXPECT_EQ(ValueOf(Served(), {"pagemapd_up", {}}), 1);
  ASSERT_TRUE(daemon_->Signal(SIGTERM).ok());
  ASSERT_TRUE(daemon_->Wait(absl::Seconds(20)).ok());
  Write({absl::StrCat(getpid())}, kUnreachable);
  EXPECT_EQ(Served(), (Samples{{{"pagemapd_up", {}}, 0}}));
}

}  // namespace
}  // namespace pagemapd
