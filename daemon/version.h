#ifndef PAGEMAPD_DAEMON_VERSION_H_
#define PAGEMAPD_DAEMON_VERSION_H_

namespace pagemapd {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_VERSION_H_
