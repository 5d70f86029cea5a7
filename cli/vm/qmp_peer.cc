#include "cli/vm/qmp_peer.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/time/clock.h"
#include "gtest/gtest.h"

namespace pagemapd {

using nlohmann::json;

bool QmpConnection::Say(const std::string& bytes) const {
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += n;
  }
  return true;
}

std::string QmpConnection::Hear() const {
  std::string line;
  for (char c; read(fd_, &c, 1) == 1 && c != '\n';) line += c;
  return line;
}

QmpPeer::QmpPeer(std::function<void(const QmpConnection&)> speak) {
  char directory[] = "/tmp/pagemapd-qmp-XXXXXX";
  EXPECT_NE(mkdtemp(directory), nullptr);
  directory_ = directory;
  path_ = directory_ + "/socket";
  listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  strncpy(name.sun_path, path_.c_str(), sizeof(name.sun_path) - 1);
  EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0);
  EXPECT_EQ(listen(listener_, 1), 0);
  thread_ = std::thread([this, speak = std::move(speak)] {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    speak(QmpConnection(fd));
    close(fd);
  });
}

QmpPeer::~QmpPeer() {
  shutdown(listener_, SHUT_RDWR);
  thread_.join();
  close(listener_);
  unlink(path_.c_str());
  rmdir(directory_.c_str());
}

std::string QmpGreeting() {
  return "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, "
         "\"package\": \"\"}, \"capabilities\": [\"oob\"]}}\r\n";
}

std::function<void(const QmpConnection&)> SpeakingAs(QmpScript script, absl::Duration delay) {
  script.emplace("qmp_capabilities", "{}");
  script.emplace("query-status", "{\"status\": \"prelaunch\", \"running\": false}");
  return [script = std::move(script), delay](const QmpConnection& connection) {
    connection.Say(QmpGreeting());
    for (std::string line; !(line = connection.Hear()).empty();) {
      const json request = json::parse(line, nullptr, /*allow_exceptions=*/false);
      json answer = {{"id", request["id"]}};
      std::string key = request["execute"];
      const bool monitor = key == "human-monitor-command";
      if (monitor) key = request["arguments"]["command-line"];
      const auto known = script.find(key);
      if (known != script.end()) {
        answer["return"] = monitor ? json(known->second) : json::parse(known->second);
      } else if (monitor) {
        answer["return"] = "unknown command: '" + key + "'\r\n";
      } else {
        answer["error"] = {{"class", "CommandNotFound"},
                           {"desc", "The command has not been found"}};
      }
      absl::SleepFor(delay);
      connection.Say(answer.dump() + "\r\n");
    }
  };
}

}  // namespace pagemapd
