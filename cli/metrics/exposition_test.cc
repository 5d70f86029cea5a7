#include "cli/metrics/exposition.h"

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

constexpr MetricFamily kCalls = {"x_calls_total", MetricType::kCounter, "Calls."};
constexpr MetricFamily kPriority = {"x_priority", MetricType::kGauge, "Priority."};
constexpr MetricFamily kTime = {"x_seconds_total", MetricType::kCounter, "Time."};

TEST(ExpositionTest, FamiliesAreTogetherAndInOrder) {
  Exposition exposition;
  exposition.Add(kPriority, {{"area", "/dev/zram0"}}, -2);
  exposition.Add(kCalls, {{"method", "A"}, {"code", "OK"}}, UINT64_MAX);
  exposition.Add(kPriority, {{"area", "/swap \"file\""}}, 5);
  EXPECT_EQ(exposition.Text(),
            "# HELP x_calls_total Calls.\n"
            "# TYPE x_calls_total counter\n"
            "x_calls_total{method=\"A\",code=\"OK\"} 18446744073709551615\n"
            "# HELP x_priority Priority.\n"
            "# TYPE x_priority gauge\n"
            "x_priority{area=\"/dev/zram0\"} -2\n"
            "x_priority{area=\"/swap \\\"file\\\"\"} 5\n");
}

TEST(ExpositionTest, WithoutSamplesThereIsNothing) { EXPECT_EQ(Exposition().Text(), ""); }

TEST(ExpositionTest, DurationsAreExactSeconds) {
  Exposition exposition;
  exposition.AddDuration(kTime, {}, 1);
  exposition.AddDuration(kTime, {{"a", "b"}}, 12'345'678'901);
  EXPECT_EQ(exposition.Text(),
            "# HELP x_seconds_total Time.\n"
            "# TYPE x_seconds_total counter\n"
            "x_seconds_total 0.000000001\n"
            "x_seconds_total{a=\"b\"} 12.345678901\n");
}

// Names that differ only in bytes that are shown alike.
TEST(ExpositionTest, NoTwoSamplesAreTheSame) {
  Exposition exposition;
  exposition.Add(kPriority, {{"area", "\xff"}}, 1);
  exposition.Add(kPriority, {{"area", "\\xff"}}, 2);
  exposition.Add(kPriority, {{"area", "\xff"}}, 3);
  exposition.Add(kCalls, {}, 1);
  exposition.Add(kCalls, {}, 2);
  EXPECT_EQ(exposition.Text(),
            "# HELP x_calls_total Calls.\n"
            "# TYPE x_calls_total counter\n"
            "x_calls_total 1\n"
            "x_calls_total{duplicate=\"2\"} 2\n"
            "# HELP x_priority Priority.\n"
            "# TYPE x_priority gauge\n"
            "x_priority{area=\"\\\\xff\"} 1\n"
            "x_priority{area=\"\\\\xff\",duplicate=\"2\"} 2\n"
            "x_priority{area=\"\\\\xff\",duplicate=\"3\"} 3\n");
}

}  // namespace
}  // namespace pagemapd
