// Bytes on the socket that no client would send: HTTP/2 and protobuf, malformed in every way. The
// daemon goes on, serves others meanwhile, and keeps nothing of it.

#include <errno.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "tests/service/load/crowd_fixture.h"
#include "tests/service/load/http2_session.h"
#include "tests/testing/caller.h"
#include "tests/testing/page_client.h"

namespace pagemapd {
namespace {

// Passes on what comes from `from` to `to`, and keeps it, until either ends.
void Relay(int from, int to, std::string* kept) {
  char buffer[16384];
  while (true) {
    pollfd readable = {from, POLLIN, 0};
    poll(&readable, 1, -1);
    const ssize_t got = read(from, buffer, sizeof(buffer));
    if (got < 0 && errno == EAGAIN) continue;
    if (got <= 0) break;
    if (kept != nullptr) kept->append(buffer, got);
    for (ssize_t sent = 0; sent < got;) {
      const ssize_t now = send(to, buffer + sent, got - sent, MSG_NOSIGNAL);
      if (now > 0) sent += now;
      if (now < 0 && errno != EAGAIN) break;
      pollfd writable = {to, POLLOUT, 0};
      if (now < 0) poll(&writable, 1, -1);
    }
  }
  shutdown(to, SHUT_RDWR);
}

class WireTest : public CrowdTest {
 protected:
  // What a client sends that asks some of everything.
  Http2Session Record() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    Fd client(ends[0]);
    const Fd middle(ends[1]);
    const Fd daemon = ConnectUser(1);
    std::string sent;
    std::thread up([&] { Relay(middle.get(), daemon.get(), &sent); });
    std::thread down([&] { Relay(daemon.get(), middle.get(), nullptr); });
    {
      const auto stub = v1::PagemapService::NewStub(ChannelOn(std::move(client)));
      EXPECT_TRUE(Ask(*stub).ok());
      grpc::ClientContext capabilities, summary, pages;
      v1::GetCapabilitiesResponse answer;
      EXPECT_TRUE(stub->GetCapabilities(&capabilities, {}, &answer).ok());
      v1::SummarizePagesRequest summary_request;
      AddTarget(target_->pid(), {}, &summary_request);
      summary_request.set_view(v1::VIEW_PROCESS);
      v1::SummarizePagesResponse summary_answer;
      EXPECT_TRUE(stub->SummarizePages(&summary, summary_request, &summary_answer).ok());
      EXPECT_TRUE(QueryAll(*stub, LongQuery(2)).status.ok());
      // One that is given up.
      auto stream = stub->QueryPages(&pages, LongQuery(50));
      v1::QueryPagesResponse first;
      EXPECT_TRUE(stream->Read(&first));
      pages.TryCancel();
      static_cast<void>(stream->Finish());
    }
    up.join();
    down.join();
    // The last frame may be cut off with the connection.
    absl::StatusOr<Http2Session> session = Http2Session::Parse(sent);
    while (!session.ok() && !sent.empty()) {
      sent.pop_back();
      session = Http2Session::Parse(sent);
    }
    EXPECT_TRUE(session.ok()) << session.status();
    return *std::move(session);
  }

  enum class Heard { kNothing, kSomething, kHungUp, kRefused };

  struct Said {
    Heard heard = Heard::kNothing;
    // All of it was sent.
    bool whole = false;
  };

  // Says it all, and waits for `patience` for what becomes of it; with `answer_is_enough` only
  // until all is said and something heard.
  static Said Say(const Fd& connection, const std::string& bytes, absl::Duration patience,
                  bool answer_is_enough) {
    char buffer[16384];
    size_t sent = 0;
    bool heard = false;
    const absl::Time end = absl::Now() + patience;
    while (absl::Now() < end) {
      const ssize_t got = read(connection.get(), buffer, sizeof(buffer));
      // A connection that is taken hears SETTINGS first; one too many hears nothing.
      if (got == 0) return {heard ? Heard::kHungUp : Heard::kRefused, sent == bytes.size()};
      heard |= got > 0;
      if (sent < bytes.size()) {
        const ssize_t now =
            send(connection.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (now > 0) sent += now;
      }
      if (answer_is_enough && heard && sent == bytes.size()) break;
      const short events = POLLIN | (sent < bytes.size() ? POLLOUT : 0);
      pollfd ready = {connection.get(), events, 0};
      poll(&ready, 1, 1);
    }
    return {heard ? Heard::kSomething : Heard::kNothing, sent == bytes.size()};
  }

  // The same on connections of whoever this thread is, until one is taken. Waits only a little: it
  // is the next ones that show what this one did.
  absl::StatusOr<Said> SayUntilTaken(const std::string& bytes) {
    for (int i = 0; i < 20000; ++i) {
      absl::StatusOr<Fd> connection = Connect(daemon_->socket());
      if (!connection.ok()) return connection.status();
      const Said said = Say(*connection, bytes, absl::Milliseconds(4), /*answer_is_enough=*/false);
      if (said.heard != Heard::kRefused) return said;
      ++refused_;
      absl::SleepFor(absl::Milliseconds(1));
    }
    return absl::UnavailableError("refused for good");
  }

  std::atomic<int> refused_ = 0;
};

TEST_F(WireTest, MalformedBytes) {
  // Calls keep their place for a while when their connection is gone: those of three users must
  // leave some for others.
  StartDaemon({"--max-calls-per-caller", "4"});
  const Http2Session session = Record();
  ASSERT_GT(session.frames.size(), 10u);
  // As it was recorded it is well-formed: so the mutations begin at something.
  const Said well_formed =
      Say(ConnectUser(1), session.Bytes(), absl::Seconds(30), /*answer_is_enough=*/true);
  EXPECT_EQ(well_formed.heard, Heard::kSomething);
  EXPECT_TRUE(well_formed.whole);

  constexpr int kThreads = 3, kConnections = 5000;
  std::atomic<int> connections = 0, whole = 0;
  std::atomic<uint64_t> bytes = 0;
  std::array<std::atomic<int>, kMutations> hung_up = {};
  std::atomic<bool> done = false;
  const absl::Time begin = absl::Now();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      const absl::Status said = ActAs(User(2 + thread), [&]() -> absl::Status {
        std::mt19937_64 lots(thread);
        for (int i = thread; i < kConnections; i += kThreads) {
          const int mutation = i / kThreads % kMutations;
          const std::string saying = Mutated(session, mutation, lots);
          const absl::StatusOr<Said> each = SayUntilTaken(saying);
          if (!each.ok()) return each.status();
          hung_up[mutation] += each->heard == Heard::kHungUp;
          ++connections;
          if (!each->whole) continue;
          bytes += saying.size();
          ++whole;
        }
        return absl::OkStatus();
      });
      EXPECT_TRUE(said.ok()) << said;
    });
  }
  int served = 0;
  std::thread other([&] {
    const auto stub = StubOfUser(20);
    while (!done) {
      const grpc::Status status = Ask(*stub);
      EXPECT_TRUE(status.ok()) << status.error_message();
      if (!status.ok()) return;
      ++served;
      absl::SleepFor(absl::Milliseconds(5));
    }
  });
  for (std::thread& thread : threads) thread.join();
  done = true;
  other.join();
  printf(
      "[ figure ] malformed: %d connections, of which %d said all, %lu MiB, in %.1f s; another "
      "caller served %d times; RSS %lu MiB, %lu MiB before; %d refused; hung up on",
      connections.load(), whole.load(), bytes.load() >> 20,
      absl::ToDoubleSeconds(absl::Now() - begin), served, *daemon_->RssBytes() >> 20,
      rss_before_ >> 20, refused_.load());
  for (int i = 0; i < kMutations; ++i) printf(" %s %d", MutationName(i), hung_up[i].load());
  printf("\n");
  EXPECT_EQ(connections, kConnections);
  // All but the header floods fit into what a socket takes at once, however slow the daemon is.
  EXPECT_GT(whole, kConnections * 3 / 4);
  EXPECT_GT(bytes, uint64_t{16} << 20);
  EXPECT_GT(served, 0);
}

}  // namespace
}  // namespace pagemapd
