#ifndef PAGEMAPD_CLI_ADDRESS_SPAN_H_
#define PAGEMAPD_CLI_ADDRESS_SPAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace pagemapd {

// Half-open range of addresses as a person gave it; whether it makes sense the daemon judges.
struct AddressSpan {
  uint64_t start = 0;
  uint64_t end = 0;

  friend bool operator==(const AddressSpan& a, const AddressSpan& b) {
    return a.start == b.start && a.end == b.end;
  }
};

// Reads one address, hexadecimal, with or without "0x". False if `text` is no such thing.
bool ParseAddress(absl::string_view text, uint64_t* address);

// Reads "START-END", hexadecimal as in /proc/PID/maps, with or without "0x". False if `text` is no
// such thing.
bool ParseAddressSpan(absl::string_view text, AddressSpan* span);

// "7f1200000000-7f1200003000".
std::string ToString(const AddressSpan& span);

// Sorts, and merges what overlaps or touches. Leaves everything as it is if one is empty or
// reversed, so that the daemon sees and names it.
std::vector<AddressSpan> Union(std::vector<AddressSpan> spans);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_ADDRESS_SPAN_H_
