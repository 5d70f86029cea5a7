#ifndef PAGEMAPD_CLI_SWAP_USE_H_
#define PAGEMAPD_CLI_SWAP_USE_H_

#include <google/protobuf/repeated_field.h>

#include <nlohmann/json.hpp>

#include "cli/page_line.h"
#include "pagemapd/v1/pagemap_service.pb.h"

namespace pagemapd {

// [{"type":0,"area":"/dev/zram0","pages":4711}], type and area where they are known.
nlohmann::ordered_json SwapUseJson(const google::protobuf::RepeatedPtrField<v1::SwapUse>& uses,
                                   const SwapAreaPaths& areas);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_SWAP_USE_H_
