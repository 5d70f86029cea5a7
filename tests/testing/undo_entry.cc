#include "tests/testing/undo_entry.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "tests/testing/fd.h"
#include "tests/testing/runfile.h"
#include "tests/testing/subprocess.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

// The line to the guardian: a request is one packet, and so is its answer, "" for done.
class Line {
 public:
  static Line& Get() {
    static Line* line = new Line;
    return *line;
  }

  absl::StatusOr<uint64_t> Register(absl::string_view action) {
    absl::MutexLock lock(&mutex_);
    uint64_t id = ++last_id_;
    if (absl::Status s = Ask(absl::StrCat("add\t", id, "\t", action)); !s.ok()) return s;
    return id;
  }

  absl::Status Undo(uint64_t id) {
    absl::MutexLock lock(&mutex_);
    return Ask(absl::StrCat("undo\t", id));
  }

 private:
  absl::Status Start() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
      return ErrnoError("socketpair");
    }
    Fd ours(ends[0]), theirs(ends[1]);
    Subprocess::Options options;
    options.argv = {Runfile("tests/testing/guardian")};
    // Whoever reads our output to its end must not wait for the guardian.
    Fd null(open("/dev/null", O_RDWR | O_CLOEXEC));
    options.fds = {{theirs.get(), 3}, {null.get(), STDIN_FILENO}, {null.get(), STDOUT_FILENO}};
    options.outlives_parent = true;
    absl::StatusOr<Subprocess> started = Subprocess::Start(options);
    if (!started.ok()) return started.status();
    socket_ = std::move(ours);
    return absl::OkStatus();
  }

  absl::Status Ask(absl::string_view request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!socket_) {
      if (absl::Status s = Start(); !s.ok()) return s;
    }
    if (send(socket_.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) {
      return ErrnoError("send to the guardian");
    }
    char answer[1024];
    ssize_t got;
    do {
      got = recv(socket_.get(), answer, sizeof(answer), 0);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) return absl::UnavailableError("the guardian is gone");
    absl::string_view text(answer, got);
    return text == "ok" ? absl::OkStatus() : absl::UnknownError(text);
  }

  absl::Mutex mutex_;
  Fd socket_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace

absl::StatusOr<UndoEntry> UndoEntry::Register(const std::vector<std::string>& action) {
  absl::StatusOr<uint64_t> id = Line::Get().Register(absl::StrJoin(action, "\t"));
  if (!id.ok()) return id.status();
  return UndoEntry(*id);
}

absl::Status UndoEntry::Undo() {
  if (id_ == 0) return absl::OkStatus();
  uint64_t id = id_;
  id_ = 0;
  return Line::Get().Undo(id);
}

UndoEntry::~UndoEntry() {
  if (absl::Status s = Undo(); !s.ok()) fprintf(stderr, "undo: %s\n", s.ToString().c_str());
}

}  // namespace pagemapd
