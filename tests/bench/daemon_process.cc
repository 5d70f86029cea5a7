#include "tests/bench/daemon_process.h"

#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/bench/scan_client.h"
#include "tests/testing/runfile.h"
#include "tests/testing/text_file.h"

namespace pagemapd {

absl::StatusOr<DaemonProcess> DaemonProcess::Start() {
  const std::string directory = absl::StrCat("/tmp/pagemapd-bench-", getpid());
  absl::StatusOr<UndoEntry> undo = UndoEntry::Register({"rmtree", directory});
  if (!undo.ok()) return undo.status();
  if (mkdir(directory.c_str(), 0700) != 0) return ErrnoError(directory);

  std::string address = absl::StrCat("unix://", directory, "/pagemapd.sock");
  Subprocess::Options options;
  options.argv = {Runfile("daemon/pagemapd"), "--address", address};
  absl::StatusOr<Subprocess> process = Subprocess::Start(options);
  if (!process.ok()) return process.status();
  DaemonProcess daemon(std::move(address), *std::move(undo), *std::move(process));
  if (absl::Status s = ScanClient(daemon.address()).WaitUntilServing(absl::Seconds(10)); !s.ok()) {
    return absl::UnavailableError(absl::StrCat("the daemon does not answer: ", s.message()));
  }
  return daemon;
}

absl::StatusOr<uint64_t> DaemonProcess::PeakRssBytes() const {
  absl::StatusOr<uint64_t> kib =
      ReadField(absl::StrCat("/proc/", process_.pid(), "/status"), "VmHWM");
  if (!kib.ok()) return kib.status();
  return *kib * 1024;
}

absl::Status DaemonProcess::ResetPeakRss() const {
  return WriteText(absl::StrCat("/proc/", process_.pid(), "/clear_refs"), "5");
}

}  // namespace pagemapd
