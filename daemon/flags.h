#ifndef PAGEMAPD_DAEMON_FLAGS_H_
#define PAGEMAPD_DAEMON_FLAGS_H_

#include <algorithm>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "daemon/service/limits.h"
#include "daemon/service/listen/connection_limits.h"
#include "daemon/service/listen/tls_files.h"

namespace pagemapd {

// What the command line asks for.
struct Flags {
  // Empty: systemd's sockets, or kDefaultAddress.
  std::vector<std::string> addresses;
  TlsFiles tls;
  // Empty: none.
  std::string policy;
  bool check_config = false;
  int workers = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  int spare_workers = 32;
  std::string source = "auto";
  std::vector<std::string> without;
  std::string log_level = "info";
  Limits limits;
  ConnectionLimits connections;

  static constexpr char kDefaultAddress[] = "unix:///run/pagemapd/pagemapd.sock";

  // Whether --without names the feature.
  bool Lacks(const std::string& feature) const {
    return std::find(without.begin(), without.end(), feature) != without.end();
  }
};

// Exit status of a usage error, as the command line's.
inline constexpr int kUsageError = 2;

// Parses the arguments; prints what there is to print. A value is the status to exit with at once.
std::optional<int> ParseFlags(int argc, char** argv, Flags* flags);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_FLAGS_H_
