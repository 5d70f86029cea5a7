#include "cli/metrics/exposition.h"

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/metrics/label_text.h"

namespace pagemapd {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;

}  // namespace

void Exposition::Add(const MetricFamily& family, const MetricLabels& labels,
                     const absl::AlphaNum& value) {
  Samples& samples = families_[family.name];
  samples.family = &family;
  const std::string text = absl::StrJoin(labels, ",", [](std::string* out, const auto& label) {
    absl::StrAppend(out, label.first, "=\"", LabelText(label.second), "\"");
  });
  std::string unique = text;
  for (int copy = 2; !samples.labels.insert(unique).second; ++copy) {
    unique = absl::StrCat(text, text.empty() ? "" : ",", "duplicate=\"", copy, "\"");
  }
  absl::StrAppend(&samples.lines, family.name);
  if (!unique.empty()) absl::StrAppend(&samples.lines, "{", unique, "}");
  absl::StrAppend(&samples.lines, " ", value, "\n");
}

void Exposition::AddDuration(const MetricFamily& family, const MetricLabels& labels, uint64_t ns) {
  Add(family, labels, absl::StrFormat("%d.%09d", ns / kNsPerSecond, ns % kNsPerSecond));
}

std::string Exposition::Text() const {
  std::string text;
  for (const auto& [name, samples] : families_) {
    absl::StrAppend(&text, "# HELP ", name, " ", samples.family->help, "\n# TYPE ", name, " ",
                    samples.family->type == MetricType::kCounter ? "counter" : "gauge", "\n",
                    samples.lines);
  }
  return text;
}

}  // namespace pagemapd
