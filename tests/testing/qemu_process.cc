#include "tests/testing/qemu_process.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/testing/fd.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

constexpr char kQemu[] = "/usr/bin/qemu-system-x86_64";
constexpr absl::Duration kPatience = absl::Seconds(20);

}  // namespace

absl::StatusOr<QemuProcess> QemuProcess::Start(const std::vector<std::string>& args) {
  QemuProcess qemu;
  char directory[] = "/tmp/pagemapd-qemu-XXXXXX";
  if (mkdtemp(directory) == nullptr) return ErrnoError("mkdtemp");
  qemu.directory_ = directory;
  absl::StatusOr<UndoEntry> undo = UndoEntry::Register({"rmtree", directory});
  if (!undo.ok()) return undo.status();
  qemu.undo_directory_ = *std::move(undo);

  const std::string own = qemu.directory_ + "/own-qmp";
  qemu.qmp_path_ = qemu.directory_ + "/qmp";
  const std::string log = qemu.directory_ + "/log";
  Fd log_fd(open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log_fd) return ErrnoError("open " + log);
  Fd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null) return ErrnoError("open /dev/null");
  Subprocess::Options options;
  options.argv = {kQemu,      "-nodefaults",
                  "-display", "none",
                  "-qmp",     absl::StrCat("unix:", own, ",server=on,wait=off"),
                  "-qmp",     absl::StrCat("unix:", qemu.qmp_path_, ",server=on,wait=off")};
  options.argv.insert(options.argv.end(), args.begin(), args.end());
  options.fds = {
      {null.get(), STDIN_FILENO}, {log_fd.get(), STDOUT_FILENO}, {log_fd.get(), STDERR_FILENO}};
  absl::StatusOr<Subprocess> process = Subprocess::Start(options);
  if (!process.ok()) return process.status();
  qemu.process_ = *std::move(process);

  const absl::Time deadline = absl::Now() + kPatience;
  while (true) {
    absl::StatusOr<QmpClient> client = QmpClient::Connect(own, kPatience);
    if (client.ok()) {
      qemu.qmp_ = *std::move(client);
      return qemu;
    }
    // Neither bound nor listening as yet.
    const bool early = absl::IsNotFound(client.status()) || absl::IsUnavailable(client.status());
    absl::StatusOr<int> ended = qemu.process_->Wait(absl::Milliseconds(20));
    if (!ended.ok() && early && absl::Now() < deadline) continue;
    const std::string said = qemu.Log();
    qemu.process_.reset();
    if (!ended.ok()) return client.status();
    return absl::UnavailableError(absl::StrCat("QEMU ended, status ", *ended, ":\n", said));
  }
}

QemuProcess::~QemuProcess() {
  if (!process_.has_value() || process_->pid() < 0) return;
  // It may end before it has answered.
  const absl::Status asked = qmp_->Execute("quit").status();
  const absl::StatusOr<int> status = process_->Wait(kPatience);
  EXPECT_TRUE(status.ok()) << "after quit (" << asked << "): " << status.status() << "\n" << Log();
  if (!status.ok()) return;
  EXPECT_TRUE(WIFEXITED(*status) && WEXITSTATUS(*status) == 0)
      << "QEMU ended with status " << *status << "\n"
      << Log();
}

std::string QemuProcess::Log() const { return ReadText(directory_ + "/log").value_or("(no log)"); }

}  // namespace pagemapd
