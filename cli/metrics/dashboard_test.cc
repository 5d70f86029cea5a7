#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "cli/metrics/metrics_fixture.h"

namespace pagemapd {
namespace {

constexpr char kDashboard[] = "deploy/grafana/pagemapd.json";

nlohmann::json ReadDashboard() {
  std::ifstream file(kDashboard);
  return nlohmann::json::parse(file);
}

// The values of all members called `name`, wherever they are.
void Collect(const nlohmann::json& json, const char* name, std::vector<std::string>* values) {
  for (const auto& [key, value] : json.items()) {
    if (json.is_object() && key == name && value.is_string()) values->push_back(value);
    if (value.is_structured()) Collect(value, name, values);
  }
}

// The metrics in an expression: names that are no function, no keyword, and not within braces,
// brackets, quotes or the parentheses of by, on and their like.
std::set<std::string> MetricsIn(const std::string& expression) {
  // "instance" is what label_values asks for.
  static const auto& kNotMetrics =
      *new std::set<std::string>{"sum", "rate", "increase", "by", "on", "label_values", "instance"};
  static const auto& kLabelLists = *new std::set<std::string>{"by", "on"};
  std::set<std::string> metrics;
  std::string last;
  for (size_t i = 0; i < expression.size();) {
    const char c = expression[i];
    const char closing = c == '{' ? '}' : c == '[' ? ']' : c == '"' ? '"' : '\0';
    if (closing != '\0' || (c == '(' && kLabelLists.count(last) > 0)) {
      i = expression.find(closing != '\0' ? closing : ')', i + 1);
      if (i == std::string::npos) return {"an expression that does not end: " + expression};
      ++i;
      last.clear();
      continue;
    }
    if (!absl::ascii_isalpha(c) && c != '_') {
      if (!absl::ascii_isspace(c)) last.clear();
      ++i;
      continue;
    }
    const size_t begin = i;
    while (i < expression.size() &&
           (absl::ascii_isalnum(expression[i]) || expression[i] == '_' || expression[i] == ':')) {
      ++i;
    }
    last = expression.substr(begin, i - begin);
    if (kNotMetrics.count(last) == 0) metrics.insert(last);
  }
  return metrics;
}

TEST(MetricsInTest, FindsNamesOfMetricsAlone) {
  EXPECT_EQ(MetricsIn("sum by (area, kind) (rate(a_total{x=\"b_c\",d=~\".*\"}[5m])) / on(e) "
                      "g:h * 1000"),
            (std::set<std::string>{"a_total", "g:h"}));
  EXPECT_EQ(MetricsIn("unheard_of(x) + y"), (std::set<std::string>{"unheard_of", "x", "y"}));
}

class DashboardTest : public MetricsTest {
 protected:
  // The names of what `metrics` prints, in every case that there is.
  std::set<std::string> Printed() {
    std::set<std::string> names;
    const Result result = RunMetricsOfVm({{1, 2}, {}, ""});
    for (const absl::string_view line : absl::StrSplit(result.out, '\n')) {
      if (!absl::StartsWith(line, "# TYPE ")) continue;
      names.emplace(std::vector<std::string>(absl::StrSplit(line, ' '))[2]);
    }
    return names;
  }
};

TEST_F(DashboardTest, ShowsExactlyWhatIsPrinted) {
  std::vector<std::string> expressions;
  const nlohmann::json dashboard = ReadDashboard();
  Collect(dashboard, "expr", &expressions);
  // Those of variables.
  Collect(dashboard, "definition", &expressions);
  ASSERT_FALSE(expressions.empty());
  const std::set<std::string> printed = Printed();
  std::set<std::string> shown;
  for (const std::string& expression : expressions) {
    for (const std::string& metric : MetricsIn(expression)) {
      EXPECT_EQ(printed.count(metric), 1u) << metric << ", in: " << expression;
      shown.insert(metric);
    }
  }
  EXPECT_EQ(shown, printed);
}

TEST_F(DashboardTest, PanelsAreNamedAndDoNotOverlap) {
  std::set<std::string> titles;
  std::set<int> ids;
  std::set<std::pair<int, int>> taken;
  for (const nlohmann::json& panel : ReadDashboard()["panels"]) {
    const std::string title = panel["title"];
    EXPECT_NE(title, "");
    EXPECT_TRUE(titles.insert(title).second) << title;
    EXPECT_TRUE(ids.insert(panel["id"].get<int>()).second) << title;
    const nlohmann::json& place = panel["gridPos"];
    EXPECT_LE(place["x"].get<int>() + place["w"].get<int>(), 24) << title;
    for (int x = 0; x < place["w"]; ++x) {
      for (int y = 0; y < place["h"]; ++y) {
        EXPECT_TRUE(taken.insert({place["x"].get<int>() + x, place["y"].get<int>() + y}).second)
            << title;
      }
    }
  }
}

}  // namespace
}  // namespace pagemapd
