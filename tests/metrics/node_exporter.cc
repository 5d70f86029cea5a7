#include "tests/metrics/node_exporter.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/testing/fd.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

constexpr char kListening[] = "address=127.0.0.1:";

// The port in a line such as `msg="Listening on" address=127.0.0.1:38551`; 0 if there is none yet.
uint16_t PortIn(absl::string_view log) {
  const size_t at = log.find(kListening);
  if (at == absl::string_view::npos) return 0;
  const absl::string_view rest = log.substr(at + sizeof(kListening) - 1);
  const size_t end = rest.find_first_not_of("0123456789");
  uint32_t port = 0;
  if (end == absl::string_view::npos || !absl::SimpleAtoi(rest.substr(0, end), &port)) return 0;
  return port;
}

}  // namespace

absl::StatusOr<NodeExporter> NodeExporter::Start(const std::string& directory) {
  const std::string log = directory + "/exporter.log";
  Fd log_fd(open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log_fd) return ErrnoError("open " + log);
  Subprocess::Options options;
  options.argv = {"/usr/bin/prometheus-node-exporter", "--collector.disable-defaults",
                  "--collector.textfile",
                  absl::StrCat("--collector.textfile.directory=", directory),
                  "--web.listen-address=127.0.0.1:0"};
  options.fds = {{log_fd.get(), STDERR_FILENO}};
  absl::StatusOr<Subprocess> process = Subprocess::Start(options);
  if (!process.ok()) return process.status();
  NodeExporter exporter(log, *std::move(process));
  for (int i = 0; i < 500; ++i) {
    exporter.port_ = PortIn(exporter.Log());
    if (exporter.port_ != 0) return exporter;
    if (exporter.process_.Wait(absl::Milliseconds(20)).ok()) break;
  }
  return absl::UnavailableError(absl::StrCat("it does not serve:\n", exporter.Log()));
}

absl::StatusOr<std::string> NodeExporter::Scrape() const {
  Fd connection(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(connection.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    return ErrnoError("connect to the exporter");
  }
  const timeval patience = {20, 0};
  setsockopt(connection.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  // In HTTP 1.0 the end of the connection is that of the answer.
  const std::string request = "GET /metrics HTTP/1.0\r\n\r\n";
  if (write(connection.get(), request.data(), request.size()) !=
      static_cast<ssize_t>(request.size())) {
    return ErrnoError("write to the exporter");
  }
  std::string answer;
  char buffer[16 << 10];
  ssize_t got;
  while ((got = read(connection.get(), buffer, sizeof(buffer))) > 0) answer.append(buffer, got);
  if (got < 0) return ErrnoError("read from the exporter");
  const size_t body = answer.find("\r\n\r\n");
  if (!absl::StartsWith(answer, "HTTP/1.0 200") || body == std::string::npos) {
    return absl::UnknownError(absl::StrCat("the exporter says: ", answer.substr(0, 2000)));
  }
  return answer.substr(body + 4);
}

std::string NodeExporter::Log() const { return ReadText(log_).value_or("(no log)"); }

}  // namespace pagemapd
