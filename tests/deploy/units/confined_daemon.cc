#include "tests/deploy/units/confined_daemon.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/testing/runfile.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

// Until what should come is given up.
constexpr absl::Duration kPatience = absl::Seconds(60);

sockaddr_un UnixAddress(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  return address;
}

absl::Status Write(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.close();
  return file.good() ? absl::OkStatus() : ErrnoError("write " + path);
}

absl::Status Run(const std::vector<std::string>& argv) {
  Subprocess::Options options;
  options.argv = argv;
  absl::StatusOr<Subprocess> process = Subprocess::Start(options);
  if (!process.ok()) return process.status();
  absl::StatusOr<int> status = process->Wait(kPatience);
  if (!status.ok()) return status.status();
  return *status == 0 ? absl::OkStatus()
                      : absl::InternalError(absl::StrCat(argv[0], ": status ", *status));
}

size_t Occurrences(const std::string& text, const std::string& wanted) {
  size_t count = 0;
  for (size_t at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + 1)) {
    ++count;
  }
  return count;
}

}  // namespace

absl::StatusOr<ConfinedDaemon> ConfinedDaemon::Start(const Options& options) {
  ConfinedDaemon daemon;
  char directory[] = "/dev/shm/pagemapd-test-XXXXXX";
  if (mkdtemp(directory) == nullptr) return ErrnoError("mkdtemp");
  daemon.directory_ = directory;
  absl::StatusOr<UndoEntry> undo = UndoEntry::Register({"rmtree", directory});
  if (!undo.ok()) return undo.status();
  daemon.undo_directory_ = *std::move(undo);
  // Clients of any user come by, and the daemon's own.
  if (chmod(directory, 0755) != 0) return ErrnoError("chmod");
  absl::Status status = daemon.Unpack(options);
  if (status.ok()) status = daemon.Launch(options);
  if (status.ok()) status = daemon.AwaitReady();
  if (status.ok()) return daemon;
  const std::string log = daemon.Log();
  daemon.process_.reset();
  return absl::Status(status.code(), absl::StrCat(status.message(), "\n", log));
}

absl::Status ConfinedDaemon::Unpack(const Options& options) {
  const std::string tree = directory_ + "/tree";
  absl::Status status =
      Run({"/usr/bin/dpkg-deb", "-x", Runfile("tests/deploy/pagemapd.deb"), tree});
  if (status.ok() && mkdir((directory_ + "/scratch").c_str(), 0700) != 0) {
    status = ErrnoError("mkdir");
  }
  if (status.ok()) {
    status =
        Write(tree + "/etc/passwd", absl::StrCat("root:x:0:0::/root:/bin/sh\npagemapd:x:", kUser,
                                                 ":", kUser, "::/:/usr/sbin/nologin\n"));
  }
  if (status.ok()) {
    status = Write(tree + "/etc/group", absl::StrCat("root:x:0:\npagemapd:x:", kUser,
                                                     ":\noperators:x:", kOperators, ":\n"));
  }
  if (status.ok() && !options.policy.empty()) {
    status = Write(tree + "/etc/pagemapd/pagemapd.policy", options.policy);
  }
  for (const auto& [seen, file] : options.files) {
    if (!status.ok()) break;
    const std::filesystem::path path = tree + "/" + seen;
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    if (!error) std::filesystem::copy_file(file, path, error);
    if (error) status = absl::InternalError(absl::StrCat("copy ", file, ": ", error.message()));
  }
  return status;
}

absl::Status ConfinedDaemon::Launch(const Options& options) {
  const std::string notify = directory_ + "/notify";
  notifications_ = Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = UnixAddress(notify);
  if (bind(notifications_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) !=
          0 ||
      chmod(notify.c_str(), 0777) != 0) {
    return ErrnoError("bind " + notify);
  }
  const std::string log = directory_ + "/log";
  const Fd log_fd(open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log_fd) return ErrnoError("open " + log);

  Subprocess::Options process;
  process.argv = {"/usr/bin/systemd-socket-activate", "-E", "NOTIFY_SOCKET=" + notify, "-l",
                  socket()};
  for (const std::string& tcp : options.tcp_addresses) {
    process.argv.insert(process.argv.end(), {"-l", tcp});
  }
  process.argv.insert(process.argv.end(),
                      {Runfile("tests/deploy/units/confine.py"), "--root", directory_ + "/tree",
                       "--scratch", directory_ + "/scratch"});
  for (const std::string& name : options.drop_ins) {
    process.argv.insert(
        process.argv.end(),
        {"--drop-in", absl::StrCat(directory_, "/tree/usr/share/doc/pagemapd/examples/", name)});
  }
  process.argv.push_back("pagemapd.service");
  process.fds = {{log_fd.get(), STDERR_FILENO}};
  absl::StatusOr<Subprocess> started = Subprocess::Start(process);
  if (!started.ok()) return started.status();
  process_ = *std::move(started);
  return absl::OkStatus();
}

absl::Status ConfinedDaemon::AwaitReady() {
  const sockaddr_un address = UnixAddress(socket());
  const absl::Time deadline = absl::Now() + kPatience;
  bool connected = false;
  while (absl::Now() < deadline) {
    if (!connected) {
      const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
      connected =
          connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    }
    pollfd wanted = {notifications_.get(), POLLIN, 0};
    if (poll(&wanted, 1, /*timeout=*/20) > 0) {
      char text[4096];
      const ssize_t size = recv(notifications_.get(), text, sizeof(text), 0);
      if (size < 0) return ErrnoError("recv of a notification");
      if (absl::StrContains(absl::string_view(text, size), "READY=1")) return absl::OkStatus();
    }
    if (absl::StatusOr<int> ended = process_->Wait(absl::ZeroDuration()); ended.ok()) {
      return absl::UnavailableError(absl::StrCat("the daemon ended, status ", *ended));
    }
  }
  return absl::DeadlineExceededError("the daemon does not say that it is ready");
}

ConfinedDaemon::~ConfinedDaemon() {
  if (!process_.has_value() || process_->pid() < 0) return;
  absl::Status asked = process_->Signal(SIGTERM);
  EXPECT_TRUE(asked.ok()) << asked;
  absl::StatusOr<int> status = process_->Wait(kPatience);
  EXPECT_TRUE(status.ok()) << "after SIGTERM: " << status.status() << "\n" << Log();
  if (!status.ok()) return;
  EXPECT_TRUE(WIFEXITED(*status) && WEXITSTATUS(*status) == 0)
      << "the daemon ended with status " << *status << "\n"
      << Log();
}

std::string ConfinedDaemon::Log() const {
  return ReadText(directory_ + "/log").value_or("(no log)");
}

absl::Status ConfinedDaemon::Reload(const std::string& policy, const std::string& expected) {
  // In place: it is one layer of what the daemon sees.
  absl::Status written = Write(directory_ + "/tree/etc/pagemapd/pagemapd.policy", policy);
  if (!written.ok()) return written;
  const size_t before = Occurrences(Log(), expected);
  absl::Status asked = process_->Signal(SIGHUP);
  if (!asked.ok()) return asked;
  const absl::Time deadline = absl::Now() + kPatience;
  while (absl::Now() < deadline) {
    if (Occurrences(Log(), expected) > before) return absl::OkStatus();
    absl::SleepFor(absl::Milliseconds(10));
  }
  return absl::DeadlineExceededError(absl::StrCat("no new \"", expected, "\" in\n", Log()));
}

}  // namespace pagemapd
