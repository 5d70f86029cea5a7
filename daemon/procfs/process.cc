#include "daemon/procfs/process.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "daemon/procfs/field_scanner.h"
#include "daemon/sys/errno_status.h"
#include "daemon/sys/pidfd.h"

namespace pagemapd {
namespace {

// Reads and parses an open /proc/PID/stat, from its beginning: each read generates it anew.
absl::StatusOr<ProcessStat> ReadStat(const UniqueFd& fd, absl::string_view shown) {
  // 52 numbers of at most 20 digits, and a name of at most 64 bytes, escaped.
  char text[2048];
  size_t size = 0;
  while (size < sizeof(text)) {
    const ssize_t got = pread(fd.get(), text + size, sizeof(text) - size, size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, absl::StrCat("read ", shown));
    if (got == 0) break;
    size += got;
  }
  return ParseProcessStat(absl::string_view(text, size));
}

// PF_KTHREAD of include/linux/sched.h.
constexpr uint64_t kKernelThread = 0x200000;

bool HasExited(const ProcessStat& stat) { return stat.state == 'Z' || stat.state == 'X'; }

// What an observer without ptrace access reads (do_task_stat in fs/proc/array.c).
bool IsHidden(const ProcessStat& stat) {
  return stat.start_code == 1 && stat.end_code == 1 && stat.start_stack == 0;
}

// ReadStat, past the moment that both exit and exec leave a process without an address space: exec
// for as long as it takes to lay out the new one, exit until the old one is torn down. One that
// stays without for longer is on its way out.
absl::StatusOr<ProcessStat> ReadSettledStat(const UniqueFd& fd, const UniqueFd& pidfd,
                                            absl::string_view shown) {
  constexpr absl::Duration kWait = absl::Milliseconds(1);
  constexpr int kWaits = 20;
  for (int waits = 0;; ++waits) {
    absl::StatusOr<ProcessStat> stat = ReadStat(fd, shown);
    if (!stat.ok() || stat->start_stack != 0 || HasExited(*stat) || IsHidden(*stat) ||
        (stat->flags & kKernelThread) != 0 || waits == kWaits || !IsAlive(pidfd)) {
      return stat;
    }
    absl::SleepFor(kWait);
  }
}

}  // namespace

absl::StatusOr<ProcessStat> ParseProcessStat(absl::string_view text) {
  const auto malformed = [text] { return MalformedLine("/proc/PID/stat", text); };
  const size_t name_begin = text.find(" (");
  const size_t name_end = text.rfind(") ");
  if (name_begin == absl::string_view::npos || name_end == absl::string_view::npos ||
      name_end < name_begin + 2) {
    return malformed();
  }
  uint64_t pid;
  FieldScanner first(text.substr(0, name_begin));
  if (!first.Decimal(&pid) || !first.rest().empty()) return malformed();

  ProcessStat stat;
  FieldScanner fields(absl::StripTrailingAsciiWhitespace(text.substr(name_end + 2)));
  absl::string_view state;
  if (!fields.Word(&state) || state.size() != 1 || !absl::ascii_isalpha(state[0])) {
    return malformed();
  }
  stat.state = state[0];
  for (int number = 4; number <= 47; ++number) {
    uint64_t* const wanted = number == 9    ? &stat.flags
                             : number == 22 ? &stat.start_time_ticks
                             : number == 26 ? &stat.start_code
                             : number == 27 ? &stat.end_code
                             : number == 28 ? &stat.start_stack
                             : number == 47 ? &stat.start_brk
                                            : nullptr;
    absl::string_view other;
    if (!fields.Literal(' ')) return malformed();
    if (wanted != nullptr ? !fields.Decimal(wanted) : !fields.Word(&other)) return malformed();
  }
  if (!fields.rest().empty() && fields.rest()[0] != ' ') return malformed();
  return stat;
}

absl::StatusOr<Process> Process::Open(const ProcRoot& root, pid_t pid, uint64_t start_time_ticks) {
  if (pid <= 0) return absl::InvalidArgumentError(absl::StrCat("pid ", pid, " is not positive"));
  Process process;
  process.pid_ = pid;
  process.shown_ = absl::StrCat(root.path(), "/", pid);
  auto directory = root.OpenDirectory(absl::StrCat(pid));
  if (absl::IsNotFound(directory.status())) {
    return absl::NotFoundError(absl::StrCat("no process has pid ", pid));
  }
  if (!directory.ok()) return directory.status();
  process.directory_ = *std::move(directory);
  auto pidfd = OpenPidfd(pid);
  if (!pidfd.ok()) return pidfd.status();
  process.pidfd_ = *std::move(pidfd);
  auto stat_file = process.Open("stat");
  if (!stat_file.ok()) return stat_file.status();
  process.stat_file_ = *std::move(stat_file);
  // Last: that the directory still answers proves that it and the pidfd mean the same process,
  // since the pid was not free for another in between.
  auto stat =
      ReadSettledStat(process.stat_file_, process.pidfd_, absl::StrCat(process.shown_, "/stat"));
  if (!stat.ok()) return stat.status();
  process.stat_ = *stat;
  if (start_time_ticks != 0 && start_time_ticks != stat->start_time_ticks) {
    return absl::FailedPreconditionError(absl::StrCat(
        "pid ", pid, " is another process: it did not start at tick ", start_time_ticks));
  }
  if (IsHidden(*stat)) {
    return absl::PermissionDeniedError(
        absl::StrCat("the address space of pid ", pid, " may not be read: no ptrace access"));
  }
  return process;
}

absl::StatusOr<UniqueFd> Process::Open(const char* name) const {
  return OpenAt(directory_, name, absl::StrCat(shown_, "/", name));
}

ProcessChange Process::Check() const {
  const absl::StatusOr<ProcessStat> now = ReadSettledStat(stat_file_, pidfd_, shown_);
  if (!now.ok() || HasExited(*now) || !IsAlive(pidfd_)) return ProcessChange::kExited;
  if (now->start_code == stat_.start_code && now->end_code == stat_.end_code &&
      now->start_stack == stat_.start_stack && now->start_brk == stat_.start_brk) {
    return ProcessChange::kNone;
  }
  return now->start_stack == 0 ? ProcessChange::kExited : ProcessChange::kExeced;
}

}  // namespace pagemapd
