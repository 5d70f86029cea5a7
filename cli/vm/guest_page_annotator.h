#ifndef PAGEMAPD_CLI_VM_GUEST_PAGE_ANNOTATOR_H_
#define PAGEMAPD_CLI_VM_GUEST_PAGE_ANNOTATOR_H_

#include <map>
#include <string>
#include <vector>

#include "cli/page_annotator.h"
#include "cli/vm/block_places.h"

namespace pagemapd {

// Adds to the pages of a QEMU which RAM block they are of, where in it, and where the guest sees
// them: "block":"pc.ram","offset":"0x1000","gpa":"0x1000". Without "gpa" it sees them nowhere.
class GuestPageAnnotator : public PageAnnotator {
 public:
  // `blocks` as for BlockPlaces. `utf8`: the table's reader can show more than ASCII.
  GuestPageAnnotator(const std::vector<const RamBlock*>& blocks, bool utf8);

  uint64_t UniformBytes(uint64_t address) const override;
  std::string TableHeading() const override;
  std::string TableText(uint64_t address) const override;
  void AppendJson(uint64_t address, fmt::memory_buffer& out) const override;
  std::string CsvHeading() const override { return ",block,offset,gpa"; }
  void AppendCsv(uint64_t address, fmt::memory_buffer& out) const override;

 private:
  struct Name {
    // As a JSON string, as a CSV field, and padded to the longest.
    std::string json;
    std::string csv;
    std::string cell;
  };

  BlockPlaces places_;
  std::map<const RamBlock*, Name> names_;
  size_t name_columns_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VM_GUEST_PAGE_ANNOTATOR_H_
