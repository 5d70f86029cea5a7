#include "cli/metrics/label_text.h"

#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "cli/output/printable_text.h"

namespace pagemapd {

std::string LabelText(absl::string_view bytes) {
  std::string text;
  bool first = true;
  for (const absl::string_view line : absl::StrSplit(bytes.substr(0, kMaxLabelBytes), '\n')) {
    if (!first) text += "\\n";
    first = false;
    text +=
        absl::StrReplaceAll(PrintableText(line, /*utf8=*/true), {{"\\", "\\\\"}, {"\"", "\\\""}});
  }
  if (bytes.size() > kMaxLabelBytes) text += "…";
  return text;
}

}  // namespace pagemapd
