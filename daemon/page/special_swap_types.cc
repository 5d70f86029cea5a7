#include "daemon/page/special_swap_types.h"

namespace pagemapd {

SpecialSwapTypes LayOutSpecialSwapTypes(uint32_t marker, uint32_t device_types, bool has_hwpoison) {
  constexpr uint32_t kMigrationTypes = 3;
  SpecialSwapTypes types;
  if (marker >= kSwapTypes || device_types > 4 || marker < kFirstSpecialSwapType + 8) return types;
  types.marker = marker;
  uint32_t type = marker;
  for (uint32_t i = 0; i < device_types; ++i) types.flags[--type] = kFlagDevicePrivate;
  for (uint32_t i = 0; i < kMigrationTypes; ++i) types.flags[--type] = kFlagMigration;
  if (has_hwpoison) types.flags[--type] = kFlagHwpoison;
  return types;
}

}  // namespace pagemapd
