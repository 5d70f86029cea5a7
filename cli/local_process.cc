#include "cli/local_process.h"

#include <fstream>
#include <iterator>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace pagemapd {

std::optional<LocalProcess> ParseProcessStat(absl::string_view text) {
  // The name, in parentheses, may hold anything: parentheses, spaces and newlines too.
  const size_t name_begin = text.find('(');
  const size_t name_end = text.rfind(')');
  if (name_begin == absl::string_view::npos || name_end < name_begin) return std::nullopt;
  const std::vector<absl::string_view> fields =
      absl::StrSplit(text.substr(name_end + 1), ' ', absl::SkipEmpty());
  LocalProcess process;
  if (fields.size() < 20 || !absl::SimpleAtoi(fields[19], &process.start_time_ticks)) {
    return std::nullopt;
  }
  process.comm = std::string(text.substr(name_begin + 1, name_end - name_begin - 1));
  return process;
}

std::optional<LocalProcess> ReadLocalProcess(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/stat"));
  return ParseProcessStat(std::string(std::istreambuf_iterator<char>(file), {}));
}

}  // namespace pagemapd
