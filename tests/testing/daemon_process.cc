#include "tests/testing/daemon_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "tests/testing/fd.h"
#include "tests/testing/runfile.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

bool TakesConnections(const std::string& path) {
  Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  return connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
}

// Null: the one built with the test.
const char* OtherDaemon() { return getenv("PAGEMAPD_DAEMON"); }

}  // namespace

absl::StatusOr<DaemonProcess> DaemonProcess::Start(const std::vector<std::string>& flags,
                                                   const std::vector<std::string>& wrapper) {
  DaemonProcess daemon;
  char directory[] = "/tmp/pagemapd-test-XXXXXX";
  if (mkdtemp(directory) == nullptr) return ErrnoError("mkdtemp");
  daemon.directory_ = directory;
  absl::StatusOr<UndoEntry> undo = UndoEntry::Register({"rmtree", directory});
  if (!undo.ok()) return undo.status();
  daemon.undo_directory_ = *std::move(undo);

  const std::string socket = daemon.socket();
  daemon.address_ = "unix://" + socket;
  std::string log = daemon.directory_ + "/log";
  Fd log_fd(open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log_fd) return ErrnoError("open " + log);
  Subprocess::Options options;
  options.argv = wrapper;
  options.argv.push_back(Program());
  options.argv.push_back("--address");
  options.argv.push_back(daemon.address_);
  options.argv.insert(options.argv.end(), flags.begin(), flags.end());
  options.fds = {{log_fd.get(), STDERR_FILENO}};
  absl::StatusOr<Subprocess> process = Subprocess::Start(options);
  if (!process.ok()) return process.status();
  daemon.process_ = *std::move(process);
  // A build with sanitizers, on a machine with other work, may take its time.
  for (int i = 0; i < 3000; ++i) {
    if (TakesConnections(socket)) return daemon;
    if (absl::StatusOr<int> ended = daemon.process_->Wait(absl::Milliseconds(20)); ended.ok()) {
      std::string said = daemon.Log();
      daemon.process_.reset();
      return absl::UnavailableError(absl::StrCat("the daemon ended, status ", *ended, ":\n", said));
    }
  }
  return absl::DeadlineExceededError(absl::StrCat("no answer on ", socket, ":\n", daemon.Log()));
}

DaemonProcess::~DaemonProcess() {
  if (!process_.has_value() || process_->pid() < 0) return;
  absl::Status asked = process_->Signal(SIGTERM);
  EXPECT_TRUE(asked.ok()) << asked;
  absl::StatusOr<int> status = process_->Wait(absl::Seconds(20));
  EXPECT_TRUE(status.ok()) << "after SIGTERM: " << status.status() << "\n" << Log();
  if (!status.ok()) return;
  EXPECT_TRUE(WIFEXITED(*status) && WEXITSTATUS(*status) == 0)
      << "the daemon ended with status " << *status << "\n"
      << Log();
}

std::string DaemonProcess::Program() {
  return OtherDaemon() != nullptr ? OtherDaemon() : Runfile("daemon/pagemapd");
}

absl::Status DaemonProcess::OpenToAll() const {
  if (chmod(directory_.c_str(), 0711) != 0) return ErrnoError("chmod " + directory_);
  if (chmod(socket().c_str(), 0666) != 0) return ErrnoError("chmod " + socket());
  return absl::OkStatus();
}

uint64_t DaemonProcess::RssBound(uint64_t bytes) {
  return OtherDaemon() == nullptr ? bytes : std::numeric_limits<uint64_t>::max();
}

std::string DaemonProcess::Log() const {
  return ReadText(directory_ + "/log").value_or("(no log)");
}

absl::StatusOr<uint64_t> DaemonProcess::RssBytes() const {
  absl::StatusOr<uint64_t> kib = ReadField(absl::StrCat("/proc/", pid(), "/status"), "VmRSS");
  if (!kib.ok()) return kib.status();
  return *kib * 1024;
}

absl::StatusOr<std::vector<std::string>> DaemonProcess::OpenFiles() const {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(absl::StrCat("/proc/", pid(), "/fd"), error)) {
    std::error_code closed_meanwhile;
    std::string file = std::filesystem::read_symlink(entry.path(), closed_meanwhile).string();
    if (!closed_meanwhile) files.push_back(file);
  }
  if (error) return absl::UnknownError(error.message());
  std::sort(files.begin(), files.end());
  return files;
}

absl::StatusOr<std::vector<std::string>> DaemonProcess::MappedFiles() const {
  absl::StatusOr<std::string> maps = ReadText(absl::StrCat("/proc/", pid(), "/maps"));
  if (!maps.ok()) return maps.status();
  std::vector<std::string> files;
  for (absl::string_view line : absl::StrSplit(*maps, '\n', absl::SkipEmpty())) {
    size_t path = line.find('/');
    if (path != absl::string_view::npos) files.emplace_back(line.substr(path));
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace pagemapd
