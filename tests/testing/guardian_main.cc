// The process behind UndoEntry (undo_entry.h): keeps a list of things to undo and undoes what is
// left when the test at the other end of descriptor 3 is gone. Should it be killed itself, as
// everything is that a test under Bazel started when its time is up, the next guardian does it: the
// list is also in a journal, locked while its guardian lives. "guardian sweep" does only that.

#include <fcntl.h>
#include <linux/loop.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
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
#include "absl/strings/str_join.h"
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

absl::Status Unmount(const std::string& path) {
  return Patiently([&] {
    // EINVAL, ENOENT: nothing is mounted there.
    if (umount2(path.c_str(), UMOUNT_NOFOLLOW) == 0 || errno == EINVAL || errno == ENOENT) {
      return absl::OkStatus();
    }
    return ErrnoError("unmount " + path);
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
    if (verb == "unmount") return Unmount(action[1]);
    if (verb == "rmcgroup") return RemoveCgroup(action[1]);
    if (verb == "rmtree") return RemoveTree(action[1]);
  }
  if (action.size() == 3 && verb == "write") return WriteText(action[1], action[2]);
  return absl::InvalidArgumentError("no such action: " + verb);
}

constexpr char kJournals[] = "/run/pagemapd-test";

// The entries of one guardian, by number; on disk as lines of "NUMBER<tab>VERB<tab>ARGUMENT...".
class Journal {
 public:
  // A new, empty one of this process.
  static absl::StatusOr<Journal> Create() {
    if (mkdir(kJournals, 0700) != 0 && errno != EEXIST)
      return ErrnoError(absl::StrCat("mkdir ", kJournals));
    return OpenLocked(absl::StrCat(kJournals, "/", getpid()), O_CREAT);
  }

  // One of another process. FAILED_PRECONDITION or UNAVAILABLE while that lives.
  static absl::StatusOr<Journal> Adopt(const std::string& path) {
    absl::StatusOr<Journal> journal = OpenLocked(path, 0);
    if (!journal.ok()) return journal;
    absl::StatusOr<std::string> text = ReadText(path);
    if (!text.ok()) return text.status();
    for (absl::string_view line : absl::StrSplit(*text, '\n', absl::SkipEmpty())) {
      std::vector<std::string> words = absl::StrSplit(line, '\t');
      uint64_t id;
      if (words.size() < 2 || !absl::SimpleAtoi(words[0], &id)) continue;
      journal->entries_[id] = {words.begin() + 1, words.end()};
    }
    return journal;
  }

  absl::Status Add(uint64_t id, std::vector<std::string> action) {
    entries_[id] = std::move(action);
    return Save();
  }

  absl::Status Undo(uint64_t id) {
    auto entry = entries_.find(id);
    if (entry == entries_.end()) return absl::NotFoundError(absl::StrCat("no entry ", id));
    if (absl::Status done = Perform(entry->second); !done.ok()) return done;
    entries_.erase(entry);
    return Save();
  }

  // The last first. What fails is said, and is the next guardian's.
  bool UndoAll() {
    for (auto entry = entries_.end(); entry != entries_.begin();) {
      --entry;
      if (absl::Status s = Perform(entry->second); s.ok()) {
        entry = entries_.erase(entry);
      } else {
        fprintf(stderr, "guardian: %s\n", s.ToString().c_str());
      }
    }
    if (entries_.empty()) {
      unlink(path_.c_str());
      return true;
    }
    static_cast<void>(Save());
    return false;
  }

 private:
  Journal(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  static absl::StatusOr<Journal> OpenLocked(const std::string& path, int create) {
    Fd fd(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | create, 0600));
    if (!fd) return ErrnoError("open " + path);
    if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return ErrnoError("lock " + path);
    struct stat info;
    // Nobody else's word is taken for what to remove.
    if (fstat(fd.get(), &info) != 0 || info.st_uid != geteuid() || (info.st_mode & 077) != 0) {
      return absl::PermissionDeniedError(path + " is not ours");
    }
    return Journal(path, std::move(fd));
  }

  absl::Status Save() {
    std::string text;
    for (const auto& [id, action] : entries_) {
      absl::StrAppend(&text, id, "\t", absl::StrJoin(action, "\t"), "\n");
    }
    // Never empty in between: a list of too much is harmless.
    if (pwrite(fd_.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()) ||
        ftruncate(fd_.get(), text.size()) != 0) {
      return ErrnoError("write " + path_);
    }
    return absl::OkStatus();
  }

  std::string path_;
  Fd fd_;
  std::map<uint64_t, std::vector<std::string>> entries_;
};

// What guardians that were killed had left to undo.
bool Sweep() {
  bool clean = true;
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(kJournals, error)) {
    absl::StatusOr<Journal> journal = Journal::Adopt(file.path().string());
    if (journal.ok() && !journal->UndoAll()) clean = false;
  }
  return clean;
}

absl::Status Serve(const std::string& request, Journal* journal) {
  std::vector<std::string> words = absl::StrSplit(request, '\t');
  uint64_t id;
  if (words.size() < 2 || !absl::SimpleAtoi(words[1], &id)) {
    return absl::InvalidArgumentError("no such request: " + request);
  }
  if (words[0] == "add") return journal->Add(id, {words.begin() + 2, words.end()});
  return journal->Undo(id);
}

int Run() {
  // What ends the test must not end us before we are done.
  for (int signal : {SIGHUP, SIGINT, SIGTERM, SIGPIPE, SIGQUIT}) ::signal(signal, SIG_IGN);
  Sweep();
  absl::StatusOr<Journal> journal = Journal::Create();
  if (!journal.ok()) {
    fprintf(stderr, "guardian: %s\n", journal.status().ToString().c_str());
    return 1;
  }
  char buffer[8192];
  while (true) {
    ssize_t got = recv(3, buffer, sizeof(buffer), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    absl::Status done = Serve(std::string(buffer, got), &*journal);
    std::string answer = done.ok() ? "ok" : done.ToString();
    if (answer.size() > 1000) answer.resize(1000);
    send(3, answer.data(), answer.size(), MSG_NOSIGNAL);
  }
  return journal->UndoAll() ? 0 : 1;
}

}  // namespace
}  // namespace pagemapd

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "sweep") == 0) return pagemapd::Sweep() ? 0 : 1;
  return pagemapd::Run();
}
