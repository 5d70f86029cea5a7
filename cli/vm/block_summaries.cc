#include "cli/vm/block_summaries.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/output/progress_line.h"

namespace pagemapd {

std::vector<BlockSummary> SummarizeBlocks(const VmTarget& vm,
                                          const std::vector<const RamBlock*>& blocks,
                                          ExitTally* tally) {
  const Session& session = vm.session();
  std::vector<BlockSummary> result;
  const size_t step = std::max<size_t>(vm.capabilities().limits().max_targets(), 1);
  for (size_t next = 0; next < blocks.size(); next += step) {
    const size_t end = std::min(blocks.size(), next + step);
    v1::SummarizePagesRequest request;
    request.set_view(v1::VIEW_PROCESS);
    for (size_t i = next; i < end; ++i) {
      v1::Target& target = *request.add_targets();
      *target.mutable_process() = vm.process();
      v1::AddressRange& range = *target.add_ranges();
      range.set_start(*blocks[i]->host_address);
      range.set_end(blocks[i]->host_end());
    }
    v1::SummarizePagesResponse response;
    grpc::Status status;
    {
      ProgressLine progress(STDERR_FILENO, session.error_terminal(), 0);
      grpc::ClientContext context;
      status = session.service().SummarizePages(&context, request, &response);
    }
    if (status.ok() && response.targets_size() != request.targets_size()) {
      status = grpc::Status(grpc::StatusCode::INTERNAL, "the daemon did not answer all targets");
    }
    if (!status.ok()) {
      tally->Failed(session.Fail(status));
      break;
    }
    for (size_t i = next; i < end; ++i) {
      v1::TargetSummary& summary = *response.mutable_targets(i - next);
      if (summary.has_error()) {
        tally->Failed(session.Fail(summary.error()));
        continue;
      }
      tally->Answered();
      if (summary.mappings_changed()) {
        session.Complain(absl::StrCat("note: the mappings of process ", vm.process().pid(),
                                      " changed during the scan"));
      }
      result.push_back({blocks[i], std::move(summary)});
    }
  }
  return result;
}

}  // namespace pagemapd
