#include "cli/vm/uncounted_blocks.h"

#include "absl/strings/str_cat.h"
#include "cli/output/byte_size.h"

namespace pagemapd {

nlohmann::ordered_json UncountedJson(const std::vector<const RamBlock*>& blocks) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const RamBlock* block : blocks) {
    if (block->host_address.has_value()) continue;
    list.push_back(
        {{"block", block->name}, {"size_bytes", block->size_bytes}, {"reason", block->why_not}});
  }
  return list;
}

std::string UncountedText(const Session& session, const std::vector<const RamBlock*>& blocks) {
  std::string names;
  for (const RamBlock* block : blocks) {
    if (block->host_address.has_value()) continue;
    absl::StrAppend(&names, names.empty() ? "" : ", ", session.Printable(block->name), " (",
                    ByteSize(block->size_bytes), ")");
  }
  if (names.empty()) return "";
  return absl::StrCat("not counted, since it is not known where they are: ", names, "\n");
}

}  // namespace pagemapd
