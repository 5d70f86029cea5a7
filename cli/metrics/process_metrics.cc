#include "cli/metrics/process_metrics.h"

#include <optional>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "cli/local_process.h"
#include "cli/metrics/page_samples.h"

namespace pagemapd {
namespace {

constexpr MetricFamily kUp = {"pagemapd_process_up", MetricType::kGauge,
                              "Whether the pages of a process could be counted."};
constexpr MetricFamily kError = {"pagemapd_process_error", MetricType::kGauge,
                                 "Always 1: why the pages of a process could not be counted."};
constexpr MetricFamily kMemory = {"pagemapd_process_memory_bytes", MetricType::kGauge,
                                  "Address space of a process by the state of its pages."};
constexpr MetricFamily kSwapped = {"pagemapd_process_swapped_bytes", MetricType::kGauge,
                                   "Swapped pages of a process by swap area."};

// "no_such_process".
std::string ReasonName(v1::ErrorReason reason) {
  const std::string& name = v1::ErrorReason_Name(reason);
  // One that this program does not know has no name.
  if (name.empty()) return absl::StrCat("reason_", static_cast<int>(reason));
  return absl::AsciiStrToLower(absl::StripPrefix(name, "ERROR_REASON_"));
}

void AddFailure(const std::string& pid, const std::string& reason, Exposition* exposition) {
  exposition->Add(kUp, {{"pid", pid}}, 0);
  exposition->Add(kError, {{"pid", pid}, {"reason", reason}}, 1);
}

// The name of the process that the daemon means; empty where this program sees another one.
std::string CommOf(const v1::ProcessRef& process) {
  std::optional<LocalProcess> local = ReadLocalProcess(process.pid());
  const bool same = local.has_value() && local->start_time_ticks == process.start_time_ticks();
  return same ? local->comm : "";
}

}  // namespace

void AddProcesses(const MetricsSubject& subject, const std::vector<int32_t>& pids,
                  Exposition* exposition, ExitTally* tally) {
  const Session& session = subject.session;
  // A call each: one that cannot be counted keeps none of the others back.
  for (const int32_t each : std::set<int32_t>(pids.begin(), pids.end())) {
    const std::string pid = absl::StrCat(each);
    v1::SummarizePagesRequest request;
    request.set_view(v1::VIEW_PROCESS);
    request.add_targets()->mutable_process()->set_pid(each);
    v1::SummarizePagesResponse response;
    grpc::ClientContext context;
    grpc::Status status = session.service().SummarizePages(&context, request, &response);
    if (status.ok() && response.targets_size() != 1) {
      status = grpc::Status(grpc::StatusCode::INTERNAL, "the daemon did not answer the target");
    }
    if (!status.ok()) {
      tally->Failed(session.Fail(grpc::Status(
          status.error_code(), absl::StrCat("process ", pid, ": ", status.error_message()))));
      AddFailure(pid, "call_failed", exposition);
      continue;
    }
    const v1::TargetSummary& summary = response.targets(0);
    if (summary.has_error()) {
      tally->Failed(session.Fail(summary.error()));
      AddFailure(pid, ReasonName(summary.error().reason()), exposition);
      continue;
    }
    tally->Answered();
    exposition->Add(kUp, {{"pid", pid}}, 1);
    AddPages({kMemory, kSwapped}, {{"pid", pid}, {"comm", CommOf(summary.process())}}, summary,
             subject.areas, subject.capabilities.page_size_bytes(), exposition);
  }
}

}  // namespace pagemapd
