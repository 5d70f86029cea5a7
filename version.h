#ifndef PAGEMAPD_VERSION_H_
#define PAGEMAPD_VERSION_H_

namespace pagemapd {

// Of the daemon and of the command line, which are released together.
inline constexpr char kVersion[] = "0.1.0";

}  // namespace pagemapd

#endif  // PAGEMAPD_VERSION_H_
