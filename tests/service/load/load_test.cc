// Many connections, silent ones, and limits: what one caller does is no matter to another.

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "tests/service/load/crowd_fixture.h"
#include "tests/testing/caller.h"

namespace pagemapd {
namespace {

// What a client of HTTP/2 sends first (RFC 9113, 3.4): the preface, and SETTINGS, here empty.
constexpr absl::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr absl::string_view kSettings = absl::string_view("\0\0\0\4\0\0\0\0\0", 9);

void Send(const Fd& connection, absl::string_view bytes) {
  // What the daemon has closed already is no matter.
  static_cast<void>(send(connection.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
}

class LoadTest : public CrowdTest {};

TEST_F(LoadTest, AThousandConnections) {
  StartDaemon({});
  constexpr int kConnections = 1000, kCallers = 25;
  std::vector<std::unique_ptr<v1::PagemapService::Stub>> stubs;
  const absl::Time begin = absl::Now();
  for (int i = 0; i < kConnections; ++i) stubs.push_back(StubOfUser(i % kCallers));
  for (int i = 0; i < kConnections; ++i) {
    grpc::ClientContext context;
    v1::GetCapabilitiesResponse capabilities;
    const grpc::Status status = stubs[i]->GetCapabilities(&context, {}, &capabilities);
    ASSERT_TRUE(status.ok()) << i << ": " << status.error_message();
    EXPECT_EQ(capabilities.caller().uid(), User(i % kCallers).uid);
  }
  EXPECT_GE(Statistics().connections(), kConnections);
  const uint64_t rss = *daemon_->RssBytes();
  printf(
      "[ figure ] %d connections of %d users, each served, in %.1f s: RSS %lu MiB, %lu MiB "
      "before; %zu threads\n",
      kConnections, kCallers, absl::ToDoubleSeconds(absl::Now() - begin), rss >> 20,
      rss_before_ >> 20, Threads());
  EXPECT_LT(rss, DaemonProcess::RssBound(uint64_t{128} << 20));
}

TEST_F(LoadTest, SilentClientsAreDropped) {
  StartDaemon({});
  struct Silence {
    const char* name;
    std::string said;
  };
  const Silence silences[] = {
      {"nothing", ""},
      {"half a preface", std::string(kPreface.substr(0, 12))},
      {"a preface", std::string(kPreface)},
      {"half a frame", std::string(kPreface) + std::string(kSettings.substr(0, 5))},
      {"something else", "GET / HTTP/1.1\r\nHost: "},
  };
  constexpr int kEach = 10;
  std::vector<Fd> connections;
  const absl::Time begin = absl::Now();
  for (int i = 0; i < kEach; ++i) {
    for (const Silence& silence : silences) {
      connections.push_back(ConnectUser(i));
      Send(connections.back(), silence.said);
    }
  }
  // And one that says a byte now and then.
  const Fd slow = ConnectUser(kEach);
  std::atomic<bool> done = false;
  std::thread speaker([&] {
    for (size_t i = 0; i < kPreface.size() && !done; ++i) {
      Send(slow, kPreface.substr(i, 1));
      absl::SleepFor(absl::Milliseconds(400));
    }
  });
  absl::Duration longest = absl::ZeroDuration();
  for (size_t i = 0; i <= connections.size(); ++i) {
    const auto took =
        AwaitEnd(i < connections.size() ? connections[i] : slow, begin, absl::Seconds(20));
    EXPECT_TRUE(took.ok()) << "after "
                           << (i < connections.size() ? silences[i % 5].name : "a byte at a time");
    longest = std::max(longest, took.value_or(absl::InfiniteDuration()));
  }
  done = true;
  speaker.join();
  printf("[ figure ] silent clients: %zu dropped, the last after %.2f s\n", connections.size() + 1,
         absl::ToDoubleSeconds(longest));
  // What is promised.
  EXPECT_LT(longest, absl::Seconds(5));
}

TEST_F(LoadTest, AHundredThousandConnectsAndDisconnects) {
  StartDaemon({});
  constexpr int kConnects = 100000, kThreads = 2;
  const absl::Time begin = absl::Now();
  std::atomic<int> connects = 0;
  const auto storm = [&](int thread) {
    for (int i = thread; i < kConnects; i += kThreads) {
      absl::StatusOr<Fd> fd = Connect(daemon_->socket());
      if (!fd.ok()) return fd.status();
      if (i % 8 == 0) Send(*fd, kPreface);
      if (i % 16 == 0) Send(*fd, kSettings);
      ++connects;
    }
    return absl::OkStatus();
  };
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      // Root has no limit, a user has.
      const absl::Status done =
          ActAs(thread == 0 ? Identity{} : User(1), [&] { return storm(thread); });
      EXPECT_TRUE(done.ok()) << done;
    });
  }
  for (std::thread& thread : threads) thread.join();
  const size_t files = SettledFiles(files_before_);
  const uint64_t rss = SettledRss(rss_before_ + (4 << 20));
  printf(
      "[ figure ] %d connects and disconnects in %.1f s: %zu descriptors, %zu before; RSS %lu "
      "KiB, %lu before; %lu over the limit\n",
      connects.load(), absl::ToDoubleSeconds(absl::Now() - begin), files, files_before_, rss >> 10,
      rss_before_ >> 10, Statistics().refused_connections());
  EXPECT_EQ(connects, kConnects);
  EXPECT_TRUE(Ask(*StubOfUser(1)).ok());
}

}  // namespace
}  // namespace pagemapd
