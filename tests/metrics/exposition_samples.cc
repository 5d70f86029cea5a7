#include "tests/metrics/exposition_samples.h"

#include <ostream>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace pagemapd {
namespace {

absl::string_view TakeName(absl::string_view* line) {
  size_t size = 0;
  while (size < line->size() && (absl::ascii_isalnum((*line)[size]) || (*line)[size] == '_')) {
    ++size;
  }
  const absl::string_view name = line->substr(0, size);
  line->remove_prefix(size);
  return name;
}

// The value up to its closing quote.
bool TakeValue(absl::string_view* line, std::string* value) {
  while (!line->empty()) {
    char c = line->front();
    line->remove_prefix(1);
    if (c == '"') return true;
    if (c == '\\') {
      if (line->empty()) return false;
      c = line->front() == 'n' ? '\n' : line->front();
      line->remove_prefix(1);
    }
    *value += c;
  }
  return false;
}

// {NAME="VALUE",...} or nothing.
bool TakeLabels(absl::string_view* line, std::map<std::string, std::string>* labels) {
  if (!absl::ConsumePrefix(line, "{")) return true;
  while (!absl::ConsumePrefix(line, "}")) {
    const std::string name(TakeName(line));
    std::string value;
    if (name.empty() || !absl::ConsumePrefix(line, "=\"") || !TakeValue(line, &value)) return false;
    // To Prometheus a label without a value is none.
    if (!value.empty()) labels->emplace(name, value);
    absl::ConsumePrefix(line, ",");
  }
  return true;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Series& series) {
  out << series.name;
  for (const auto& [name, value] : series.labels) out << " " << name << "=" << value;
  return out;
}

absl::StatusOr<Samples> ParseSamples(absl::string_view text, absl::string_view prefix) {
  Samples samples;
  for (const absl::string_view whole : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    if (!absl::StartsWith(whole, prefix)) {
      if (whole[0] == '#' || absl::ascii_isalpha(whole[0])) continue;
      return absl::InvalidArgumentError(absl::StrCat("no sample: ", whole));
    }
    absl::string_view line = whole;
    Series series;
    series.name = std::string(TakeName(&line));
    double value;
    if (!TakeLabels(&line, &series.labels) || !absl::ConsumePrefix(&line, " ") ||
        !absl::SimpleAtod(line, &value)) {
      return absl::InvalidArgumentError(absl::StrCat("no sample: ", whole));
    }
    if (!samples.emplace(series, value).second) {
      return absl::InvalidArgumentError(absl::StrCat("there twice: ", whole));
    }
  }
  return samples;
}

}  // namespace pagemapd
