#ifndef PAGEMAPD_DAEMON_PAGE_SPECIAL_SWAP_TYPES_H_
#define PAGEMAPD_DAEMON_PAGE_SPECIAL_SWAP_TYPES_H_

#include <array>
#include <cstdint>

#include "daemon/page/page_record.h"
#include "daemon/page/swap_entry.h"

namespace pagemapd {

// Which swap types this kernel keeps for entries that are no slots, as far as that is known. By
// default nothing is: special entries are then told as such, and not named.
struct SpecialSwapTypes {
  // Of PTE markers; kSwapTypes, which no entry has, where it is not known.
  uint32_t marker = kSwapTypes;
  // What an entry of each type is: kFlagMigration, kFlagHwpoison, kFlagDevicePrivate, or 0.
  std::array<PageFlags, kSwapTypes> flags{};
};

// The layout of include/linux/swap.h from Linux 5.19 on, from the top down: the marker type,
// `device_types` for device memory, three for migration, one for hwpoison if the kernel has it.
// Unknown if `marker` cannot have all those below it.
SpecialSwapTypes LayOutSpecialSwapTypes(uint32_t marker, uint32_t device_types, bool has_hwpoison);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PAGE_SPECIAL_SWAP_TYPES_H_
