#ifndef PAGEMAPD_TESTS_TESTING_TARGET_PROCESS_H_
#define PAGEMAPD_TESTS_TESTING_TARGET_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tests/testing/fd.h"
#include "tests/testing/identity.h"
#include "tests/testing/subprocess.h"
#include "tests/testing/target_protocol.h"

namespace pagemapd {

// A process whose memory the test shapes. Between two calls it waits in read(2) and does nothing.
// It ends with this object, and with the test. Not thread-safe.
class TargetProcess {
 public:
  static absl::StatusOr<TargetProcess> Start();

  TargetProcess(TargetProcess&&) = default;
  // A process of Start is killed; a child of Fork ends by itself.
  ~TargetProcess() = default;

  pid_t pid() const { return pid_; }

  // Any system call in the target. The result, or its errno as a status.
  absl::StatusOr<int64_t> Syscall(int64_t number, std::vector<uint64_t> args) const;
  // The same; the argument kPayloadArg becomes the address of `text`, which ends with a 0.
  absl::StatusOr<int64_t> SyscallWithText(int64_t number, std::vector<uint64_t> args,
                                          absl::string_view text) const;

  // mmap(2) at an address of the kernel's choice.
  absl::StatusOr<uint64_t> Map(uint64_t bytes, int protection, int flags, int fd = -1,
                               uint64_t offset = 0) const;

  // Makes pages of the region at `base` be written, read, or advised upon (madvise(2)), in order.
  absl::Status Write(uint64_t base, absl::Span<const PageRun> runs) const;
  absl::Status Read(uint64_t base, absl::Span<const PageRun> runs) const;
  absl::Status Advise(uint64_t base, absl::Span<const PageRun> runs, int advice) const;

  // Forks; only once in the life of a target.
  absl::StatusOr<TargetProcess> Fork();
  // A child that has exited and stays a zombie while the target lives.
  absl::StatusOr<pid_t> MakeZombie() const;
  // Makes mappings come and go, faults too, until StopChurn: the rounds done.
  absl::Status StartChurn() const;
  absl::StatusOr<int64_t> StopChurn() const;
  // Becomes a new program: every mapping is another one then. The program at `path` must be a copy
  // of this one; "": itself.
  absl::Status Exec(const std::string& path = "") const;
  // Path of the program that targets are.
  static std::string Program();

  // Becomes another user's process, dumpable like any other. Only from root, once.
  absl::Status Become(const Identity& who) const;

  // A descriptor of the target's, duplicated into this process.
  absl::StatusOr<Fd> BorrowFd(int fd) const;

  // Kills it and reaps it.
  void Kill();

 private:
  TargetProcess(pid_t pid, Fd socket) : pid_(pid), socket_(std::move(socket)) {}

  absl::Status Send(TargetRequest request, const void* payload, size_t bytes) const;
  absl::StatusOr<int64_t> Receive() const;
  absl::StatusOr<int64_t> Ask(const TargetRequest& request, const void* payload = nullptr,
                              size_t bytes = 0) const;
  absl::Status AskRuns(TargetOp op, uint64_t base, absl::Span<const PageRun> runs,
                       uint64_t advice) const;

  pid_t pid_;
  Fd socket_;
  // Where a child of Fork is talked to; moves to it.
  Fd child_socket_;
  // Absent for a child of Fork.
  std::optional<Subprocess> process_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_TESTING_TARGET_PROCESS_H_
