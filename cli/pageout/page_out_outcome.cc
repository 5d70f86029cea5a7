#include "cli/pageout/page_out_outcome.h"

namespace pagemapd {

absl::string_view OutcomeText(v1::PageOutOutcome outcome) {
  switch (outcome) {
    case v1::PAGE_OUT_OUTCOME_PAGED_OUT:
      return "paged out";
    case v1::PAGE_OUT_OUTCOME_IN_SWAP_CACHE:
      return "in swap; a copy is in RAM until the kernel needs the memory";
    case v1::PAGE_OUT_OUTCOME_WOULD_PAGE_OUT:
      return "would be paged out";
    case v1::PAGE_OUT_OUTCOME_ALREADY_SWAPPED:
      return "was in swap already";
    case v1::PAGE_OUT_OUTCOME_HOLE:
      return "no page exists";
    case v1::PAGE_OUT_OUTCOME_NOT_IN_PAGE_TABLE:
      return "kept in RAM: not in this process's page table";
    case v1::PAGE_OUT_OUTCOME_NO_MAPPING:
      return "left alone: nothing is mapped there";
    case v1::PAGE_OUT_OUTCOME_MAPPING_CHANGED:
      return "left alone: the mapping is another now";
    case v1::PAGE_OUT_OUTCOME_LOCKED:
      return "kept in RAM: locked (mlock)";
    case v1::PAGE_OUT_OUTCOME_HUGETLB:
      return "kept in RAM: huge pages of hugetlbfs are never swapped";
    case v1::PAGE_OUT_OUTCOME_NOT_PAGEABLE:
      return "left alone: memory of the kernel or of a device";
    case v1::PAGE_OUT_OUTCOME_FILE_NOT_OWNED:
      return "kept in RAM: of a file that the daemon may not page out for this caller";
    case v1::PAGE_OUT_OUTCOME_SHARED:
      return "kept in RAM: mapped by another process too";
    case v1::PAGE_OUT_OUTCOME_NO_SWAP_SPACE:
      return "kept in RAM: no swap space is left";
    case v1::PAGE_OUT_OUTCOME_IN_USE:
      return "left alone: in use, or not looked at before";
    case v1::PAGE_OUT_OUTCOME_KEPT:
      return "kept in RAM: the kernel does not say why";
    case v1::PAGE_OUT_OUTCOME_UNKNOWN:
      return "not known";
    default:
      return "something this program does not know";
  }
}

bool IsDone(v1::PageOutOutcome outcome) {
  switch (outcome) {
    case v1::PAGE_OUT_OUTCOME_PAGED_OUT:
    case v1::PAGE_OUT_OUTCOME_IN_SWAP_CACHE:
    case v1::PAGE_OUT_OUTCOME_WOULD_PAGE_OUT:
    case v1::PAGE_OUT_OUTCOME_ALREADY_SWAPPED:
      return true;
    default:
      return false;
  }
}

bool IsFine(v1::PageOutOutcome outcome) {
  return IsDone(outcome) || outcome == v1::PAGE_OUT_OUTCOME_HOLE ||
         outcome == v1::PAGE_OUT_OUTCOME_IN_USE;
}

}  // namespace pagemapd
