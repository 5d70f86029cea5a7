#include "tests/testing/ctl_run.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "tests/testing/fd.h"
#include "tests/testing/runfile.h"
#include "tests/testing/subprocess.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

constexpr absl::Duration kLongest = absl::Minutes(2);
constexpr size_t kBufferBytes = 256 << 10;

// Hands whole lines of `text` to `on_line` and keeps the rest.
void TakeLines(const std::function<void(absl::string_view)>& on_line, std::string* text) {
  size_t begin = 0;
  for (size_t end; (end = text->find('\n', begin)) != std::string::npos; begin = end + 1) {
    on_line(absl::string_view(*text).substr(begin, end - begin));
  }
  text->erase(0, begin);
}

// Runs it with its output taken.
absl::StatusOr<CtlResult> Run(Subprocess::Options options,
                              const std::function<void(absl::string_view)>& on_line) {
  int out_ends[2], err_ends[2];
  if (pipe2(out_ends, O_CLOEXEC) != 0) return ErrnoError("pipe");
  Fd out(out_ends[0]), out_in(out_ends[1]);
  if (pipe2(err_ends, O_CLOEXEC) != 0) return ErrnoError("pipe");
  Fd err(err_ends[0]), err_in(err_ends[1]);
  options.fds.push_back({out_in.get(), STDOUT_FILENO});
  options.fds.push_back({err_in.get(), STDERR_FILENO});
  absl::StatusOr<Subprocess> process = Subprocess::Start(options);
  if (!process.ok()) return process.status();
  out_in.Close();
  err_in.Close();

  CtlResult result;
  absl::Time deadline = absl::Now() + kLongest;
  auto buffer = std::make_unique<char[]>(kBufferBytes);
  pollfd wanted[] = {{out.get(), POLLIN, 0}, {err.get(), POLLIN, 0}};
  std::string* const texts[] = {&result.out, &result.err};
  while (wanted[0].fd >= 0 || wanted[1].fd >= 0) {
    int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
    if (left <= 0) return absl::DeadlineExceededError("pagemapctl still runs");
    int ready = poll(wanted, 2, left);
    if (ready < 0 && errno != EINTR) return ErrnoError("poll");
    if (ready <= 0) continue;
    for (int i = 0; i < 2; ++i) {
      if (wanted[i].fd < 0 || wanted[i].revents == 0) continue;
      ssize_t got = read(wanted[i].fd, buffer.get(), kBufferBytes);
      if (got <= 0) {
        wanted[i].fd = -1;
        continue;
      }
      texts[i]->append(buffer.get(), got);
      if (i == 0 && on_line) TakeLines(on_line, texts[i]);
    }
  }
  absl::StatusOr<int> status = process->Wait(deadline - absl::Now());
  if (!status.ok()) return status.status();
  if (WIFEXITED(*status)) result.exit_code = WEXITSTATUS(*status);
  return result;
}

}  // namespace

absl::StatusOr<CtlResult> RunCtl(const std::string& address, const std::vector<std::string>& args,
                                 const std::function<void(absl::string_view)>& on_line) {
  Subprocess::Options options;
  options.argv = {Runfile("cli/pagemapctl"), "-a", address};
  options.argv.insert(options.argv.end(), args.begin(), args.end());
  return Run(std::move(options), on_line);
}

absl::StatusOr<CtlResult> RunCtlAs(const Identity& who, const std::string& address,
                                   const std::vector<std::string>& args) {
  // By a descriptor: the directories above the program may be root's alone.
  constexpr int kProgramFd = 3;
  const Fd program(open(Runfile("cli/pagemapctl").c_str(), O_RDONLY | O_CLOEXEC));
  if (!program) return ErrnoError("open pagemapctl");
  Subprocess::Options options;
  options.argv = {"/usr/bin/setpriv",
                  absl::StrCat("--reuid=", who.uid),
                  absl::StrCat("--regid=", who.gid),
                  who.groups.empty() ? "--clear-groups"
                                     : absl::StrCat("--groups=", absl::StrJoin(who.groups, ",")),
                  absl::StrCat("/proc/self/fd/", kProgramFd),
                  "-a",
                  address};
  options.argv.insert(options.argv.end(), args.begin(), args.end());
  options.fds = {{program.get(), kProgramFd}};
  return Run(std::move(options), /*on_line=*/nullptr);
}

}  // namespace pagemapd
