#include "cli/pageout/page_out_job.h"

#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/page_names.h"
#include "cli/pageout/page_out_outcome.h"

namespace pagemapd {

bool CanPageOut(const Session& session, const v1::GetCapabilitiesResponse& capabilities,
                const PageOutSwitches& switches) {
  if (!switches.only_idle || capabilities.kernel_features().idle_pages()) return true;
  session.Complain(
      "this daemon cannot tell which pages are idle: that takes a kernel with "
      "CONFIG_IDLE_PAGE_TRACKING, and /sys/kernel/mm/page_idle/bitmap to be open to the daemon");
  return false;
}

PageOutJob::PageOutJob(const Session& session, const v1::GetCapabilitiesResponse& capabilities,
                       const v1::ProcessRef& process, const PageOutSwitches& switches,
                       uint64_t total_pages)
    : session_(session),
      output_(session, capabilities.page_size_bytes(), switches.dry_run),
      calls_(session.service(), process, switches, capabilities.limits().max_ranges(),
             [this](const PageOutTotal& so_far, const v1::PageOutResponse& response) {
               return OnAnswer(so_far, response);
             }) {
  progress_.emplace(STDERR_FILENO, session.error_terminal(), total_pages, kPagingOut);
}

void PageOutJob::Complain(const std::string& message) {
  progress_->Hide();
  session_.Complain(message);
}

bool PageOutJob::OnAnswer(const PageOutTotal& so_far, const v1::PageOutResponse& response) {
  progress_->SetDone(so_far.counts.asked());
  // A daemon names the process before it tells of its pages.
  if (!so_far.process.has_value()) return true;
  for (const v1::PageOutExtent& extent : response.extents()) {
    if (!output_.Write(*so_far.process, extent)) return false;
  }
  if (session_.format() == OutputFormat::kTable || response.extents().empty()) return true;
  // Rows and progress may share the terminal.
  if (session_.out_terminal().is_terminal) progress_->Hide();
  // A page-out may be slow, and an answer holds many rows: whoever reads them need not wait.
  return session_.out().Flush();
}

ExitCode PageOutJob::Finish(bool input_failed) {
  calls_.Flush();
  progress_.reset();
  const PageOutTotal& total = calls_.total();
  output_.Finish(total);
  session_.out().Flush();

  ExitTally tally;
  uint64_t hindered = 0;
  std::vector<std::string> reasons;
  for (const auto& entry : total.counts.outcomes()) {
    if (IsDone(entry.outcome())) tally.Answered();
    if (IsFine(entry.outcome())) continue;
    hindered += entry.pages();
    reasons.push_back(absl::StrCat(entry.pages(), " ", OutcomeName(entry.outcome())));
  }
  if (hindered > 0) {
    // With an error, that is why.
    if (total.status.ok() && !total.error.has_value()) tally.Failed(ExitCode::kFailed);
    if (session_.format() != OutputFormat::kTable) {
      session_.Complain(absl::StrCat(hindered, " of ", total.counts.asked(),
                                     " pages are not in swap: ", absl::StrJoin(reasons, ", ")));
    }
  }
  if (!total.status.ok()) tally.Failed(session_.Fail(total.status));
  if (total.error.has_value()) tally.Failed(session_.Fail(*total.error));
  if (input_failed) tally.Failed(ExitCode::kFailed);
  if (total.mappings_changed && total.process.has_value()) {
    session_.Complain(absl::StrCat("note: the mappings of process ", total.process->pid(),
                                   " changed during the page-out"));
  }
  return tally.code();
}

}  // namespace pagemapd
