#ifndef PAGEMAPD_CLI_PAGEOUT_PAGE_OUT_JOB_H_
#define PAGEMAPD_CLI_PAGEOUT_PAGE_OUT_JOB_H_

#include <cstdint>
#include <optional>
#include <string>

#include "cli/output/progress_line.h"
#include "cli/pageout/page_out_calls.h"
#include "cli/pageout/page_out_output.h"
#include "cli/session.h"

namespace pagemapd {

// Complains, and returns false, if the daemon cannot do what the switches ask for on its kernel.
bool CanPageOut(const Session& session, const v1::GetCapabilitiesResponse& capabilities,
                const PageOutSwitches& switches);

// A page-out as a command does it: calls, progress on a terminal, output, complaints, exit code.
//
//   PageOutJob job(session, capabilities, process, switches, PagesOf(ranges));
//   for (const v1::PageOutRange& range : ranges) {
//     if (!job.Add(range)) break;
//   }
//   return job.Finish(/*input_failed=*/false);
class PageOutJob {
 public:
  // `total_pages` is for progress; 0: not known. `session` must outlive this object.
  PageOutJob(const Session& session, const v1::GetCapabilitiesResponse& capabilities,
             const v1::ProcessRef& process, const PageOutSwitches& switches, uint64_t total_pages);
  PageOutJob(const PageOutJob&) = delete;
  PageOutJob& operator=(const PageOutJob&) = delete;

  // As PageOutCalls::Add.
  bool Add(const v1::PageOutRange& range) { return calls_.Add(range); }

  // Forgets the ranges that nothing was done about yet.
  void Drop() { calls_.Drop(); }

  // "pagemapctl: MESSAGE" on standard error, beside the progress. For what is wrong with input
  // that is read between calls of Add.
  void Complain(const std::string& message);

  // Does the rest, ends the output, and says what to exit with: kDone if no asked page stayed in
  // RAM against the wish, kPartlyDone if some did (or `input_failed`: not all that was wished could
  // be asked for) while others are in swap now; else why nothing was done. To be called once.
  ExitCode Finish(bool input_failed);

 private:
  bool OnAnswer(const PageOutTotal& so_far, const v1::PageOutResponse& response);

  const Session& session_;
  PageOutOutput output_;
  PageOutCalls calls_;
  std::optional<ProgressLine> progress_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_PAGEOUT_PAGE_OUT_JOB_H_
