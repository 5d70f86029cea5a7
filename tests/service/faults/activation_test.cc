// A daemon that is killed again and again, and started again by the socket that somebody else
// holds, as systemd does: clients that retry are all served.

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "pagemapd/v1/pagemap_service.grpc.pb.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/fd.h"
#include "tests/testing/subprocess.h"
#include "tests/testing/text_file.h"
#include "tests/testing/undo_entry.h"

namespace pagemapd {
namespace {

constexpr int kKills = 12;
constexpr int kClients = 4;

// What a .socket unit does: holds a listening socket, and starts a daemon with it
// (sd_listen_fds(3)) as soon as somebody connects and none runs.
class Activator {
 public:
  absl::Status Listen() {
    char directory[] = "/tmp/pagemapd-test-XXXXXX";
    if (mkdtemp(directory) == nullptr) return ErrnoError("mkdtemp");
    absl::StatusOr<UndoEntry> undo = UndoEntry::Register({"rmtree", directory});
    if (!undo.ok()) return undo.status();
    undo_ = *std::move(undo);
    path_ = absl::StrCat(directory, "/socket");
    log_ = Fd(open(absl::StrCat(directory, "/log").c_str(),
                   O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    listener_ = Fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
    if (bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
        listen(listener_.get(), SOMAXCONN) != 0) {
      return ErrnoError("listen on " + path_);
    }
    return absl::OkStatus();
  }

  // Starts a daemon if somebody waits for one, within 100 ms; and tells whether one runs.
  absl::StatusOr<bool> Serve() {
    if (daemon_ != nullptr && daemon_->Wait(absl::ZeroDuration()).ok()) daemon_ = nullptr;
    if (daemon_ != nullptr) return true;
    pollfd waiting = {listener_.get(), POLLIN, 0};
    if (poll(&waiting, 1, 100) != 1) return false;
    Subprocess::Options options;
    // LISTEN_PID is the pid of who is to have the sockets.
    options.argv = {"/bin/sh", "-c", "LISTEN_PID=$$ exec \"$0\"", DaemonProcess::Program()};
    options.environment = {"LISTEN_FDS=1", "LISTEN_FDNAMES=pagemapd.socket"};
    options.fds = {{listener_.get(), 3}, {log_.get(), STDERR_FILENO}};
    absl::StatusOr<Subprocess> daemon = Subprocess::Start(options);
    if (!daemon.ok()) return daemon.status();
    daemon_ = std::make_unique<Subprocess>(*std::move(daemon));
    return true;
  }

  absl::Status Kill() {
    if (absl::Status sent = daemon_->Signal(SIGKILL); !sent.ok()) return sent;
    absl::StatusOr<int> ended = daemon_->Wait(absl::Seconds(20));
    daemon_ = nullptr;
    return ended.status();
  }

  // By SIGTERM: its status.
  absl::StatusOr<int> Stop() {
    if (absl::Status sent = daemon_->Signal(SIGTERM); !sent.ok()) return sent;
    return daemon_->Wait(absl::Seconds(20));
  }

  const std::string& path() const { return path_; }
  std::string Log() const {
    return ReadText(path_.substr(0, path_.rfind('/')) + "/log").value_or("(no log)");
  }

 private:
  UndoEntry undo_;
  std::string path_;
  Fd listener_;
  Fd log_;
  std::unique_ptr<Subprocess> daemon_;
};

// Asks about this process until it is told, and then again.
class Client {
 public:
  explicit Client(const std::string& path) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 20);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 200);
    stub_ = v1::PagemapService::NewStub(
        grpc::CreateCustomChannel("unix:" + path, grpc::InsecureChannelCredentials(), arguments));
  }

  // One answer. Anything else than UNAVAILABLE meanwhile is a failure, and so is 30 s of it.
  void Ask() {
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    while (absl::Now() < deadline) {
      grpc::ClientContext context;
      context.set_deadline(absl::ToChronoTime(deadline));
      context.set_wait_for_ready(true);
      v1::ListMappingsRequest request;
      request.mutable_process()->set_pid(getpid());
      v1::ListMappingsResponse response;
      const grpc::Status status = stub_->ListMappings(&context, request, &response);
      if (status.ok()) {
        EXPECT_GT(response.mappings_size(), 0);
        ++answers;
        return;
      }
      ASSERT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
      ++retries;
      absl::SleepFor(absl::Milliseconds(5));
    }
    FAIL() << "no answer";
  }

  std::atomic<int> answers = 0;
  std::atomic<int> retries = 0;

 private:
  std::unique_ptr<v1::PagemapService::Stub> stub_;
};

TEST(ActivationTest, ClientsOutliveTheDaemon) {
  Activator activator;
  ASSERT_TRUE(activator.Listen().ok());
  std::atomic<bool> done = false;
  std::vector<std::unique_ptr<Client>> clients;
  std::vector<std::thread> threads;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<Client>(activator.path()));
    threads.emplace_back([&done, client = clients.back().get()] {
      while (!done && !testing::Test::HasFailure()) client->Ask();
    });
  }
  // Whether each client was answered since `before`.
  const auto served_since = [&](const std::vector<int>& before) {
    for (int i = 0; i < kClients; ++i) {
      if (clients[i]->answers <= before[i]) return false;
    }
    return true;
  };
  const absl::Time begin = absl::Now();
  int kills = 0;
  while (!testing::Test::HasFailure()) {
    std::vector<int> before;
    for (const auto& client : clients) before.push_back(client->answers);
    const absl::Time patience = absl::Now() + absl::Seconds(30);
    while (!served_since(before) && !testing::Test::HasFailure()) {
      absl::StatusOr<bool> runs = activator.Serve();
      ASSERT_TRUE(runs.ok()) << runs.status();
      if (*runs) absl::SleepFor(absl::Milliseconds(1));
      if (absl::Now() > patience) ADD_FAILURE() << activator.Log();
    }
    if (kills == kKills) break;
    const absl::Status killed = activator.Kill();
    ASSERT_TRUE(killed.ok()) << killed;
    ++kills;
  }
  const absl::Duration took = absl::Now() - begin;
  done = true;
  for (std::thread& thread : threads) thread.join();
  int answers = 0, retries = 0;
  for (const auto& client : clients) answers += client->answers, retries += client->retries;
  printf(
      "[ figure ] killed and activated again %d times in %.1f s: %d answers to %d clients after "
      "%d retries\n",
      kills, absl::ToDoubleSeconds(took), answers, kClients, retries);
  EXPECT_EQ(kills, kKills);
  absl::StatusOr<int> status = activator.Stop();
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(*status, 0) << activator.Log();
  // It is not the daemon's to remove.
  EXPECT_EQ(access(activator.path().c_str(), F_OK), 0);
}

}  // namespace
}  // namespace pagemapd
