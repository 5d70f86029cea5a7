#ifndef PAGEMAPD_CLI_PAGEOUT_PAGE_OUT_OUTPUT_H_
#define PAGEMAPD_CLI_PAGEOUT_PAGE_OUT_OUTPUT_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cli/address_span.h"
#include "cli/pageout/page_out_calls.h"
#include "cli/session.h"

namespace pagemapd {

// Writes what became of the pages, in the session's format. Extents go out as they come, but of a
// table, which is a summary, and shows the first ranges of each outcome that stood in the way.
class PageOutOutput {
 public:
  // Ranges of an outcome that a table shows; the others it counts.
  static constexpr size_t kRangesShown = 3;

  // `session` must outlive this object.
  PageOutOutput(const Session& session, uint64_t page_size_bytes, bool dry_run)
      : session_(session), page_size_bytes_(page_size_bytes), dry_run_(dry_run) {}

  // False once the output takes no more.
  bool Write(const v1::ProcessRef& process, const v1::PageOutExtent& extent);

  // Ends the document. There is none if the process was not found.
  void Finish(const PageOutTotal& total);

 private:
  // The ranges of one outcome, as far as a table shows them.
  struct Hindrance {
    std::vector<AddressSpan> first;
    uint64_t ranges = 0;
    // Of the last range.
    uint64_t last_end = 0;
  };

  void Open(const v1::ProcessRef& process);
  void Note(const v1::PageOutExtent& extent);
  void WriteTable(const PageOutTotal& total);
  void AppendTotals(const PageOutTotal& total);

  const Session& session_;
  const uint64_t page_size_bytes_;
  const bool dry_run_;
  bool opened_ = false;
  uint64_t extents_ = 0;
  std::map<int, Hindrance> hindrances_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_PAGEOUT_PAGE_OUT_OUTPUT_H_
