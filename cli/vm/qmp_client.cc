#include "cli/vm/qmp_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace pagemapd {
namespace {

using nlohmann::json;

// "info mtree" and the like of a VM with a thousand devices is some hundred kilobytes.
constexpr size_t kMaxMessageBytes = 16 << 20;
constexpr int kMaxDepth = 64;
constexpr size_t kMaxErrorBytes = 1024;

// A connected socket that tells who writes.
absl::StatusOr<int> ConnectSocket(const std::string& path, absl::Duration timeout) {
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(name.sun_path) ||
      path.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat("'", path, "' is not a socket's path: of 1 to ",
                                                   sizeof(name.sun_path) - 1, " bytes"));
  }
  memcpy(name.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return absl::ErrnoToStatus(errno, "socket");
  const int on = 1;
  // Where others wait already, connect(2) waits as long as it may send.
  const timeval wait = absl::ToTimeval(std::max(timeout, absl::Milliseconds(1)));
  if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0 ||
      setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) != 0 ||
      connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) != 0) {
    const int error = errno;
    close(fd);
    if (error == EAGAIN) {
      return absl::DeadlineExceededError(
          absl::StrCat(path, ": others are waiting there for a connection"));
    }
    return absl::ErrnoToStatus(error, path);
  }
  return fd;
}

// Waits until `events` can be had.
absl::Status Await(int fd, short events, absl::Time deadline) {
  while (true) {
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) return absl::DeadlineExceededError("no answer in time");
    pollfd wanted = {fd, events, 0};
    const int ready = poll(&wanted, 1, absl::ToInt64Milliseconds(left) + 1);
    if (ready > 0) return absl::OkStatus();
    if (ready < 0 && errno != EINTR) return absl::ErrnoToStatus(errno, "poll");
  }
}

std::string StringAt(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return "?";
  return found->get_ref<const std::string&>().substr(0, kMaxErrorBytes);
}

absl::Status RefusalOf(const json& error) {
  if (!error.is_object()) return absl::DataLossError("an error that is not an object");
  const std::string error_class = StringAt(error, "class");
  const std::string text = absl::StrCat(error_class, ": ", StringAt(error, "desc"));
  if (error_class == "CommandNotFound") return absl::UnimplementedError(text);
  if (error_class == "DeviceNotFound") return absl::NotFoundError(text);
  return absl::AbortedError(text);
}

// The number of the command that `message` answers; nothing if it names none.
std::optional<uint64_t> IdOf(const json& message) {
  const auto id = message.find("id");
  if (id == message.end() || !id->is_number_unsigned()) return std::nullopt;
  return id->get<uint64_t>();
}

}  // namespace

QmpClient::QmpClient(int fd) : fd_(fd), reader_(kMaxMessageBytes, kMaxDepth) {}

QmpClient::QmpClient(QmpClient&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      patience_(other.patience_),
      peer_pid_(other.peer_pid_),
      last_id_(other.last_id_),
      reader_(std::move(other.reader_)),
      broken_(std::move(other.broken_)) {}

QmpClient& QmpClient::operator=(QmpClient&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(patience_, other.patience_);
  std::swap(peer_pid_, other.peer_pid_);
  std::swap(last_id_, other.last_id_);
  std::swap(reader_, other.reader_);
  std::swap(broken_, other.broken_);
  return *this;
}

QmpClient::~QmpClient() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<QmpClient> QmpClient::Connect(const std::string& path, absl::Duration patience) {
  const absl::Time deadline = absl::Now() + patience;
  const absl::StatusOr<int> fd = ConnectSocket(path, patience);
  if (!fd.ok()) return fd.status();
  QmpClient client(*fd);
  if (const absl::Status status = client.Greet(deadline); !status.ok()) return status;
  client.patience_ = deadline - absl::Now();
  return client;
}

absl::Status QmpClient::Greet(absl::Time deadline) {
  const absl::StatusOr<json> greeting = Receive(deadline);
  if (absl::IsDeadlineExceeded(greeting.status())) {
    return absl::DeadlineExceededError(
        "no greeting: QEMU talks to one client of a socket at a time, and another may be "
        "connected");
  }
  if (!greeting.ok()) return greeting.status();
  if (!greeting->contains("QMP")) return absl::DataLossError("the greeting is not that of QMP");
  return Ask("qmp_capabilities", json::object(), deadline).status();
}

absl::StatusOr<json> QmpClient::Execute(const std::string& command, const json& arguments) {
  if (!broken_.ok()) return broken_;
  // A deadline for each command would let an other side that is slow at every one of thousands keep
  // this one for hours.
  const absl::Time deadline = absl::Now() + patience_;
  absl::StatusOr<json> result = Ask(command, arguments, deadline);
  patience_ = deadline - absl::Now();
  return result;
}

absl::StatusOr<json> QmpClient::Ask(const std::string& command, const json& arguments,
                                    absl::Time deadline) {
  const uint64_t id = ++last_id_;
  json request = {{"execute", command}, {"id", id}};
  if (!arguments.empty()) request["arguments"] = arguments;
  // Else dump() would throw for a string that is not UTF-8.
  const std::string text =
      request.dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace);
  broken_ = Send(text + "\n", deadline);
  while (broken_.ok()) {
    absl::StatusOr<json> message = Receive(deadline);
    if (!message.ok()) {
      broken_ = message.status();
      break;
    }
    if (message->contains("event")) continue;
    const auto result = message->find("return");
    const auto error = message->find("error");
    // An error without an id is of a command that could not be read.
    if (IdOf(*message) != id && !(error != message->end() && !message->contains("id"))) {
      broken_ = absl::DataLossError(absl::StrCat("no answer to the command ", command));
      break;
    }
    if (result != message->end()) return std::move(*result);
    if (error != message->end()) return RefusalOf(*error);
    broken_ = absl::DataLossError("an answer with neither a result nor an error");
  }
  return broken_;
}

absl::Status QmpClient::Send(absl::string_view text, absl::Time deadline) {
  while (!text.empty()) {
    const ssize_t sent = send(fd_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
      text.remove_prefix(sent);
    } else if (errno == EAGAIN) {
      if (const absl::Status status = Await(fd_, POLLOUT, deadline); !status.ok()) return status;
    } else if (errno != EINTR) {
      return absl::UnavailableError(absl::StrCat("the connection is closed: ", strerror(errno)));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<json> QmpClient::Receive(absl::Time deadline) {
  while (true) {
    absl::StatusOr<std::optional<std::string>> text = reader_.Next();
    if (!text.ok()) return text.status();
    if (text->has_value()) {
      json message = json::parse(**text, nullptr, /*allow_exceptions=*/false);
      if (!message.is_object()) {
        return absl::DataLossError(
            absl::StrCat("not JSON: \"", absl::CEscape((*text)->substr(0, 40)), "\""));
      }
      return message;
    }
    if (const absl::Status status = ReadSome(deadline); !status.ok()) return status;
  }
}

absl::Status QmpClient::ReadSome(absl::Time deadline) {
  if (const absl::Status status = Await(fd_, POLLIN, deadline); !status.ok()) return status;
  char bytes[64 << 10];
  // No room for descriptors that the other side may send along: they are not taken.
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))];
  iovec vector = {bytes, sizeof(bytes)};
  msghdr header = {};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof(control);
  const ssize_t got = recvmsg(fd_, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return absl::OkStatus();
  if (got < 0) {
    return absl::UnavailableError(absl::StrCat("the connection is closed: ", strerror(errno)));
  }
  if (got == 0) return absl::UnavailableError("the other side has closed the connection");
  std::optional<ucred> writer;
  for (cmsghdr* message = CMSG_FIRSTHDR(&header); message != nullptr;
       message = CMSG_NXTHDR(&header, message)) {
    if (message->cmsg_level != SOL_SOCKET || message->cmsg_type != SCM_CREDENTIALS) continue;
    memcpy(&writer.emplace(), CMSG_DATA(message), sizeof(ucred));
  }
  if (!writer.has_value() || writer->pid <= 0) {
    return absl::FailedPreconditionError(
        "the kernel does not tell which process speaks: it is in another pid namespace");
  }
  if (peer_pid_ == 0) peer_pid_ = writer->pid;
  if (writer->pid != peer_pid_) {
    return absl::FailedPreconditionError(
        absl::StrCat("process ", writer->pid, " answers in place of process ", peer_pid_));
  }
  reader_.Append(absl::string_view(bytes, got));
  return absl::OkStatus();
}

}  // namespace pagemapd
