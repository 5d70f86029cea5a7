#include "daemon/procfs/kallsyms.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "daemon/procfs/field_scanner.h"
#include "daemon/procfs/line_reader.h"

namespace pagemapd {

absl::StatusOr<std::vector<bool>> HasKernelSymbols(const ProcRoot& root,
                                                   absl::Span<const std::string> names) {
  absl::StatusOr<UniqueFd> fd = root.Open("kallsyms");
  if (!fd.ok()) return fd.status();
  const std::string shown = absl::StrCat(root.path(), "/kallsyms");
  LineReader lines(*std::move(fd), shown);
  std::vector<bool> found(names.size());
  bool is_empty = true;
  while (true) {
    absl::StatusOr<std::optional<absl::string_view>> line = lines.Next();
    if (!line.ok()) return line.status();
    if (!line->has_value()) {
      if (is_empty) return absl::NotFoundError(absl::StrCat(shown, " is empty"));
      return found;
    }
    is_empty = false;
    // "ffffffff8166c4f0 T migrate_pages", with "\t[module]" behind the names of modules.
    const size_t type = (*line)->find(' ');
    if (type == absl::string_view::npos || (*line)->size() < type + 4 ||
        (**line)[type + 2] != ' ') {
      return MalformedLine("kallsyms", **line);
    }
    const absl::string_view name = (*line)->substr(type + 3);
    for (size_t i = 0; i < names.size(); ++i) {
      if (name == names[i]) found[i] = true;
    }
  }
}

}  // namespace pagemapd
