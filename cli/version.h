#ifndef PAGEMAPD_CLI_VERSION_H_
#define PAGEMAPD_CLI_VERSION_H_

namespace pagemapd {

// Of pagemapctl, and of the API that it speaks.
constexpr char kVersion[] = "0.1.0";

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VERSION_H_
