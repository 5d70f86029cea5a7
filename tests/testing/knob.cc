#include "tests/testing/knob.h"

#include "absl/strings/ascii.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

absl::StatusOr<std::string> ReadSetting(const std::string& path) {
  absl::StatusOr<std::string> text = ReadText(path);
  if (!text.ok()) return text.status();
  size_t open = text->find('['), close = text->find(']');
  if (open < close && close != std::string::npos) return text->substr(open + 1, close - open - 1);
  return std::string(absl::StripAsciiWhitespace(*text));
}

}  // namespace

absl::StatusOr<Knob> Knob::Take(const std::string& path) {
  absl::StatusOr<std::string> found = ReadSetting(path);
  if (!found.ok()) return found.status();
  absl::StatusOr<UndoEntry> undo = UndoEntry::Register({"write", path, *found});
  if (!undo.ok()) return undo.status();
  return Knob(path, *std::move(undo));
}

absl::Status Knob::Set(absl::string_view value) const { return WriteText(path_, value); }

absl::StatusOr<std::string> Knob::Get() const { return ReadSetting(path_); }

}  // namespace pagemapd
