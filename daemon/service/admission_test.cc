#include "daemon/service/admission.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace pagemapd {
namespace {

TEST(AdmissionTest, RefusesOneTooManyAndTakesBackPlaces) {
  int idle = 0;
  Admission admission(2, [&idle] { ++idle; });
  std::vector<Admission::Ticket> tickets;
  for (int i = 0; i < 2; ++i) {
    auto ticket = admission.Enter();
    ASSERT_TRUE(ticket.ok());
    tickets.push_back(*std::move(ticket));
  }
  EXPECT_EQ(admission.Enter().status().code(), absl::StatusCode::kResourceExhausted);
  tickets.pop_back();
  EXPECT_TRUE(admission.Enter().ok());
  EXPECT_EQ(idle, 0) << "one is still under way";
  tickets.clear();
  EXPECT_EQ(idle, 1);
}

}  // namespace
}  // namespace pagemapd
