#ifndef PAGEMAPD_CLI_OUTPUT_BYTE_SIZE_H_
#define PAGEMAPD_CLI_OUTPUT_BYTE_SIZE_H_

#include <cstdint>
#include <string>

namespace pagemapd {

// `bytes` for people, in at most five columns, by powers of 1024: "0", "512", "4K", "1.5M",
// "1023M", "16E". Rounded to nearest; a decimal only below ten and where it is not zero.
std::string ByteSize(uint64_t bytes);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_OUTPUT_BYTE_SIZE_H_
