#ifndef PAGEMAPD_CLI_VM_QMP_PEER_H_
#define PAGEMAPD_CLI_VM_QMP_PEER_H_

#include <functional>
#include <map>
#include <string>
#include <thread>

#include "absl/time/time.h"

namespace pagemapd {

// One end of a connection, of a test that plays QEMU.
class QmpConnection {
 public:
  explicit QmpConnection(int fd) : fd_(fd) {}
  // Sends the bytes. False once nobody takes them.
  bool Say(const std::string& bytes) const;
  // The next line; empty at the end.
  std::string Hear() const;

 private:
  const int fd_;
};

// A socket of the test's own, and a thread that speaks there to the first that comes.
class QmpPeer {
 public:
  explicit QmpPeer(std::function<void(const QmpConnection&)> speak);
  QmpPeer(const QmpPeer&) = delete;
  ~QmpPeer();

  const std::string& path() const { return path_; }

 private:
  std::string directory_;
  std::string path_;
  int listener_;
  std::thread thread_;
};

// What QEMU 7.2 says first.
std::string QmpGreeting();

// The JSON that each command returns; of a human-monitor-command the key is its command line, and
// the value the text. What is not there QEMU does not know.
using QmpScript = std::map<std::string, std::string>;

// Speaks as QEMU does, with these answers, each of them after `delay`.
std::function<void(const QmpConnection&)> SpeakingAs(QmpScript script,
                                                     absl::Duration delay = absl::ZeroDuration());

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VM_QMP_PEER_H_
