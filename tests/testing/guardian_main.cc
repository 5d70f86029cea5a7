// The process behind UndoEntry (undo_entry.h): keeps a list of things to undo and undoes what is left
// when the test at the other end of descriptor 3 is gone.

#include <fcntl.h>
#include <linux/loop.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/swap.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "tests/testing/fd.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

// A device is busy for a moment after its last user is gone.
template <typename Attempt>
absl::Status Patiently(Attempt attempt) {
  absl::Status last;
  for (int i = 0; i < 100; ++i) {
    last = attempt();
    if (last.ok()) return last;
    absl::SleepFor(absl::Milliseconds(50));
  }
  return last;
}

absl::Status SwapOff(const std::string& path) {
  return Patiently([&] {
    // EINVAL, ENOENT: no swap area, so nothing to undo.
    if (swapoff(path.c_str()) == 0 || errno == EINVAL || errno == ENOENT) return absl::OkStatus();
    return ErrnoError("swapoff " + path);
  });
}

absl::Status HotRemove(const std::string& number) {
  return Patiently([&] {
    if (access(absl::StrCat("/sys/block/zram", number).c_str(), F_OK) != 0) {
      return absl::OkStatus();
    }
    return WriteText("/sys/class/zram-control/hot_remove", number);
  });
}

absl::Status LoopDetach(const std::string& path) {
  return Patiently([&] {
    Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd && (ioctl(fd.get(), LOOP_CLR_FD, 0) == 0 || errno == ENXIO)) return absl::OkStatus();
    return ErrnoError("detach " + path);
  });
}

absl::Status RemoveCgroup(const std::string& path) {
  return Patiently([&] {
    if (rmdir(path.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
    absl::Status failed = ErrnoError("rmdir " + path);
    if (auto pids = ReadText(path + "/cgroup.procs"); pids.ok()) {
      for (absl::string_view text : absl::StrSplit(*pids, '\n', absl::SkipEmpty())) {
        int pid;
        if (absl::SimpleAtoi(text, &pid)) kill(pid, SIGKILL);
      }
    }
    return failed;
  });
}

absl::Status RemoveTree(const std::string& path) {
  if (!absl::StartsWith(path, "/tmp/") && !absl::StartsWith(path, "/dev/shm/")) {
    return absl::InvalidArgumentError("rmtree of " + path);
  }
  std::error_code error;
  std::filesystem::remove_all(path, error);
  return error ? absl::UnknownError(absl::StrCat("rmtree ", path, ": ", error.message()))
               : absl::OkStatus();
}

absl::Status Perform(const std::vector<std::string>& action) {
  const std::string& verb = action[0];
  if (action.size() == 2) {
    if (verb == "swapoff") return SwapOff(action[1]);
    if (verb == "hotremove") return HotRemove(action[1]);
    if (verb == "loopdetach") return LoopDetach(action[1]);
    if (verb == "rmcgroup") return RemoveCgroup(action[1]);
    if (verb == "rmtree") return RemoveTree(action[1]);
  }
  if (action.size() == 3 && verb == "write") return WriteText(action[1], action[2]);
  return absl::InvalidArgumentError("no such action: " + verb);
}

using Entries = std::map<uint64_t, std::vector<std::string>>;

absl::Status Serve(const std::string& request, Entries* entries) {
  std::vector<std::string> words = absl::StrSplit(request, '\t');
  uint64_t id;
  if (words.size() < 2 || !absl::SimpleAtoi(words[1], &id)) {
    return absl::InvalidArgumentError("no such request: " + request);
  }
  if (words[0] == "add") {
    (*entries)[id] = {words.begin() + 2, words.end()};
    return absl::OkStatus();
  }
  auto entry = entries->find(id);
  if (entry == entries->end()) return absl::NotFoundError(absl::StrCat("no entry ", id));
  absl::Status done = Perform(entry->second);
  if (done.ok()) entries->erase(entry);
  return done;
}

int Run() {
  // What ends the test must not end us before we are done.
  for (int signal : {SIGHUP, SIGINT, SIGTERM, SIGPIPE, SIGQUIT}) ::signal(signal, SIG_IGN);
  Entries entries;
  char buffer[8192];
  while (true) {
    ssize_t got = recv(3, buffer, sizeof(buffer), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    absl::Status done = Serve(std::string(buffer, got), &entries);
    std::string answer = done.ok() ? "ok" : done.ToString();
    if (answer.size() > 1000) answer.resize(1000);
    send(3, answer.data(), answer.size(), MSG_NOSIGNAL);
  }
  int failed = 0;
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    if (absl::Status s = Perform(entry->second); !s.ok()) {
      fprintf(stderr, "guardian: %s\n", s.ToString().c_str());
      failed = 1;
    }
  }
  return failed;
}

}  // namespace
}  // namespace pagemapd

int main() { return pagemapd::Run(); }
