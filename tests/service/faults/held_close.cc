#include "tests/service/faults/held_close.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace pagemapd {
namespace {

constexpr uint64_t kFileNode = 2;
constexpr uint64_t kForever = 1 << 20;

fuse_attr AttributesOf(uint64_t node) {
  fuse_attr attributes = {};
  attributes.ino = node;
  attributes.mode = node == kFileNode ? S_IFREG | 0444 : S_IFDIR | 0755;
  attributes.nlink = 1;
  return attributes;
}

absl::Status Failed(const char* what) { return absl::ErrnoToStatus(errno, what); }

}  // namespace

absl::StatusOr<std::unique_ptr<HeldClose>> HeldClose::Create() {
  std::unique_ptr<HeldClose> held(new HeldClose);
  if (absl::Status status = held->Mount(); !status.ok()) return status;
  held->server_ = std::thread([raw = held.get()] { raw->Serve(); });
  return held;
}

absl::Status HeldClose::Mount() {
  char directory[] = "/tmp/pagemapd-test-XXXXXX";
  if (mkdtemp(directory) == nullptr) return Failed("mkdtemp");
  absl::StatusOr<UndoEntry> undo = UndoEntry::Register({"rmtree", directory});
  if (!undo.ok()) return undo.status();
  directory_ = *std::move(undo);
  device_ = Fd(open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK));
  stop_ = Fd(eventfd(0, EFD_CLOEXEC));
  if (!device_ || !stop_) return Failed("open /dev/fuse");
  undo = UndoEntry::Register({"unmount", directory});
  if (!undo.ok()) return undo.status();
  mounted_ = *std::move(undo);
  const std::string options =
      absl::StrCat("fd=", device_.get(), ",rootmode=40000,user_id=0,group_id=0,allow_other");
  if (mount("pagemapd-test", directory, "fuse", MS_NOSUID | MS_NODEV, options.c_str()) != 0) {
    return Failed("mount of FUSE");
  }
  path_ = absl::StrCat(directory, "/file");
  return absl::OkStatus();
}

HeldClose::~HeldClose() {
  if (!server_.joinable()) return;
  LetGo();
  eventfd_write(stop_.get(), 1);
  server_.join();
  // Ends the connection: whoever still waits gets an error.
  device_ = Fd();
}

bool HeldClose::AwaitHeld(size_t closes, absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  const auto are_held = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return held_.size() >= closes; };
  return mutex_.AwaitWithTimeout(absl::Condition(&are_held), timeout);
}

void HeldClose::LetGo() {
  absl::MutexLock lock(&mutex_);
  lets_go_ = true;
  for (const uint64_t request : held_) Reply(request, 0, nullptr, 0);
  held_.clear();
}

void HeldClose::Serve() {
  alignas(fuse_in_header) char buffer[FUSE_MIN_READ_BUFFER + (64 << 10)];
  while (true) {
    pollfd waiting[] = {{device_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    if (poll(waiting, 2, -1) < 0 && errno != EINTR) return;
    if (waiting[1].revents != 0) return;
    const ssize_t got = read(device_.get(), buffer, sizeof(buffer));
    if (got < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOENT)) continue;
    if (got < static_cast<ssize_t>(sizeof(fuse_in_header))) return;
    fuse_in_header request;
    memcpy(&request, buffer, sizeof(request));
    Answer(request, buffer + sizeof(request));
  }
}

void HeldClose::Answer(const fuse_in_header& request, const void* argument) {
  switch (request.opcode) {
    case FUSE_INIT: {
      fuse_init_out init = {};
      init.major = FUSE_KERNEL_VERSION;
      // As much as this needs of the protocol; the kernel has more (Linux 3.15 had this).
      init.minor = 23;
      init.max_write = 4096;
      return Reply(request.unique, 0, &init, sizeof(init));
    }
    case FUSE_LOOKUP: {
      if (strcmp(static_cast<const char*>(argument), "file") != 0) {
        return Reply(request.unique, -ENOENT, nullptr, 0);
      }
      fuse_entry_out entry = {};
      entry.nodeid = kFileNode;
      entry.entry_valid = entry.attr_valid = kForever;
      entry.attr = AttributesOf(kFileNode);
      return Reply(request.unique, 0, &entry, sizeof(entry));
    }
    case FUSE_GETATTR: {
      fuse_attr_out out = {};
      out.attr_valid = kForever;
      out.attr = AttributesOf(request.nodeid);
      return Reply(request.unique, 0, &out, sizeof(out));
    }
    case FUSE_OPEN: {
      const fuse_open_out out = {};
      return Reply(request.unique, 0, &out, sizeof(out));
    }
    case FUSE_FLUSH: {
      absl::MutexLock lock(&mutex_);
      if (lets_go_) return Reply(request.unique, 0, nullptr, 0);
      held_.push_back(request.unique);
      return;
    }
    case FUSE_RELEASE:
      return Reply(request.unique, 0, nullptr, 0);
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
      // Nobody waits for an answer.
      return;
    default:
      return Reply(request.unique, -ENOSYS, nullptr, 0);
  }
}

void HeldClose::Reply(uint64_t request, int error, const void* data, size_t bytes) const {
  fuse_out_header header = {static_cast<uint32_t>(sizeof(header) + bytes), error, request};
  const iovec parts[] = {{&header, sizeof(header)}, {const_cast<void*>(data), bytes}};
  // ENOENT: who waited is gone.
  static_cast<void>(!writev(device_.get(), parts, bytes > 0 ? 2 : 1));
}

}  // namespace pagemapd
