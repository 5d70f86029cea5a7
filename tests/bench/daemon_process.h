#ifndef PAGEMAPD_TESTS_BENCH_DAEMON_PROCESS_H_
#define PAGEMAPD_TESTS_BENCH_DAEMON_PROCESS_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/testing/subprocess.h"
#include "tests/testing/undo_entry.h"

namespace pagemapd {

// A daemon of its own on a private socket, as it comes: no flag but the address. Its log goes to
// this process's stderr. Ends with this object.
class DaemonProcess {
 public:
  // Returns once it answers.
  static absl::StatusOr<DaemonProcess> Start();

  // What gRPC calls the socket: "unix:///...".
  const std::string& address() const { return address_; }

  // Most memory that it ever had resident, program and libraries included, in bytes, since the
  // last reset.
  absl::StatusOr<uint64_t> PeakRssBytes() const;
  absl::Status ResetPeakRss() const;

 private:
  DaemonProcess(std::string address, UndoEntry undo_directory, Subprocess process)
      : address_(std::move(address)),
        undo_directory_(std::move(undo_directory)),
        process_(std::move(process)) {}

  std::string address_;
  UndoEntry undo_directory_;
  Subprocess process_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_BENCH_DAEMON_PROCESS_H_
