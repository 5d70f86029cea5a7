#include "daemon/service/listen/event_source.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <optional>

namespace pagemapd {
namespace {

class EventSourceTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_GE(sd_event_new(&loop_), 0); }
  void TearDown() override { sd_event_unref(loop_); }

  // Deals with one event, or with none for half a second.
  int RunOnce() { return sd_event_run(loop_, 500'000); }

  sd_event* loop_ = nullptr;
};

TEST_F(EventSourceTest, TellsOfAPeerThatHangsUp) {
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  int hung_up = 0;
  const auto source = EventSource::OnDescriptor(loop_, fds[0], EPOLLHUP, [&hung_up] { ++hung_up; });
  ASSERT_TRUE(source.ok()) << source.status();
  ASSERT_EQ(write(fds[1], "x", 1), 1);
  EXPECT_EQ(sd_event_run(loop_, 10'000), 0) << "bytes are no end";
  close(fds[1]);
  EXPECT_GT(RunOnce(), 0);
  EXPECT_EQ(hung_up, 1);
  close(fds[0]);
}

TEST_F(EventSourceTest, AFunctionMayDestroyItsSource) {
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  std::optional<EventSource> source;
  auto held = std::make_shared<int>(0);
  auto made = EventSource::OnDescriptor(loop_, fds[0], EPOLLIN, [&source, held] {
    source.reset();
    ++*held;
  });
  ASSERT_TRUE(made.ok()) << made.status();
  source.emplace(*std::move(made));
  ASSERT_EQ(write(fds[1], "x", 1), 1);
  EXPECT_GT(RunOnce(), 0);
  EXPECT_EQ(*held, 1);
  EXPECT_EQ(held.use_count(), 1) << "the function is gone with its source";
  EXPECT_EQ(sd_event_run(loop_, 10'000), 0) << "still readable, and nobody waits";
  close(fds[0]);
  close(fds[1]);
}

TEST_F(EventSourceTest, TimersComeAgainOrOnce) {
  int often = 0;
  int once = 0;
  const auto every = EventSource::Every(loop_, absl::Milliseconds(5), [&often] { ++often; });
  const auto after = EventSource::After(loop_, absl::Milliseconds(5), [&once] { ++once; });
  ASSERT_TRUE(every.ok() && after.ok());
  while (often < 3) ASSERT_GT(RunOnce(), 0);
  EXPECT_EQ(once, 1);
}

TEST_F(EventSourceTest, TakesSignals) {
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGHUP);
  ASSERT_EQ(sigprocmask(SIG_BLOCK, &blocked, nullptr), 0);
  int hangups = 0;
  const auto source = EventSource::OnSignal(loop_, SIGHUP, [&hangups] { ++hangups; });
  ASSERT_TRUE(source.ok()) << source.status();
  ASSERT_EQ(kill(getpid(), SIGHUP), 0);
  EXPECT_GT(RunOnce(), 0);
  EXPECT_EQ(hangups, 1);
}

TEST_F(EventSourceTest, ABadDescriptorIsAnError) {
  EXPECT_FALSE(EventSource::OnDescriptor(loop_, -1, EPOLLIN, [] {}).ok());
}

}  // namespace
}  // namespace pagemapd
