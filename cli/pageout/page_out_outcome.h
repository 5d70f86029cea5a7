#ifndef PAGEMAPD_CLI_PAGEOUT_PAGE_OUT_OUTCOME_H_
#define PAGEMAPD_CLI_PAGEOUT_PAGE_OUT_OUTCOME_H_

#include "absl/strings/string_view.h"
#include "pagemapd/v1/pagemap_service.pb.h"

namespace pagemapd {

// The outcome in words, for people: "kept in RAM: mapped by another process too". OutcomeName of
// cli/page_names.h is for programs.
absl::string_view OutcomeText(v1::PageOutOutcome outcome);

// The page is in swap or gone from RAM, or (in a dry run) would be: what was wished for.
bool IsDone(v1::PageOutOutcome outcome);

// Nothing stood in the way: done, or there was nothing to do, or only_idle left the page alone.
bool IsFine(v1::PageOutOutcome outcome);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_PAGEOUT_PAGE_OUT_OUTCOME_H_
