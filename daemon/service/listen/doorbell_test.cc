#include "daemon/service/listen/doorbell.h"

#include <gtest/gtest.h>
#include <systemd/sd-event.h>

#include <thread>

namespace pagemapd {
namespace {

TEST(DoorbellTest, CallsInTheLoopWhatAnotherThreadRangFor) {
  sd_event* loop = nullptr;
  ASSERT_GE(sd_event_new(&loop), 0);
  int calls = 0;
  {
    const auto doorbell = Doorbell::Create(loop, [&] {
      ++calls;
      sd_event_exit(loop, 0);
    });
    ASSERT_TRUE(doorbell.ok()) << doorbell.status();
    EXPECT_EQ(sd_event_run(loop, 0), 0);
    EXPECT_EQ(calls, 0);
    std::thread([&] {
      for (int i = 0; i < 3; ++i) (*doorbell)->Ring();
    }).join();
    EXPECT_EQ(sd_event_loop(loop), 0);
    EXPECT_EQ(calls, 1) << "rings before it answers are one";
  }
  sd_event_unref(loop);
}

}  // namespace
}  // namespace pagemapd
