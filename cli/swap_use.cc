#include "cli/swap_use.h"

namespace pagemapd {

nlohmann::ordered_json SwapUseJson(const google::protobuf::RepeatedPtrField<v1::SwapUse>& uses,
                                   const SwapAreaPaths& areas) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const v1::SwapUse& use : uses) {
    nlohmann::ordered_json entry = nlohmann::ordered_json::object();
    if (use.has_type()) {
      entry["type"] = use.type();
      const auto area = areas.find(use.type());
      if (area != areas.end()) entry["area"] = area->second;
    }
    entry["pages"] = use.pages();
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace pagemapd
