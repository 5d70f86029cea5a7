#include "tests/testing/caller.h"

#include <fcntl.h>
#include <grpcpp/create_channel_posix.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

// By the system calls themselves: libc's functions would change every thread.
absl::Status BecomeInThisThread(const Identity& who) {
  if (syscall(SYS_setgroups, who.groups.size(), who.groups.data()) != 0) {
    return ErrnoError("setgroups");
  }
  if (syscall(SYS_setresgid, who.gid, who.gid, who.gid) != 0) return ErrnoError("setresgid");
  if (syscall(SYS_setresuid, who.uid, who.uid, who.uid) != 0) return ErrnoError("setresuid");
  return absl::OkStatus();
}

}  // namespace

absl::Status ActAs(const Identity& who, const std::function<absl::Status()>& act) {
  absl::Status done;
  std::thread([&] {
    done = BecomeInThisThread(who);
    if (done.ok()) done = act();
  }).join();
  // A change of ids made this process one that leaves no core file.
  prctl(PR_SET_DUMPABLE, 1);
  return done;
}

absl::StatusOr<Fd> Connect(const std::string& path) {
  Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return ErrnoError("socket");
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return absl::InvalidArgumentError("path too long");
  path.copy(address.sun_path, path.size());
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    return ErrnoError("connect " + path);
  }
  // After connect(2), which waits for a place in the listener's queue only if it may block.
  if (fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0) return ErrnoError("fcntl");
  return fd;
}

absl::StatusOr<Fd> ConnectAs(const Identity& who, const std::string& path) {
  absl::StatusOr<Fd> fd;
  const absl::Status done = ActAs(who, [&] {
    fd = Connect(path);
    return fd.status();
  });
  if (!done.ok()) return done;
  return fd;
}

std::shared_ptr<grpc::Channel> ChannelOn(Fd connection) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomInsecureChannelFromFd("daemon", connection.Release(), arguments);
}

absl::StatusOr<std::unique_ptr<v1::PagemapService::Stub>> NewStubAs(const Identity& who,
                                                                    const std::string& path) {
  absl::StatusOr<Fd> fd = ConnectAs(who, path);
  if (!fd.ok()) return fd.status();
  return v1::PagemapService::NewStub(ChannelOn(*std::move(fd)));
}

}  // namespace pagemapd
