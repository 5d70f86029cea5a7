#ifndef PAGEMAPD_TESTS_TESTING_KNOB_H_
#define PAGEMAPD_TESTS_TESTING_KNOB_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/testing/undo_entry.h"

namespace pagemapd {

// A file of /sys or /proc that holds one setting; put back as it was found, even after a crash.
class Knob {
 public:
  // NOT_FOUND where this kernel has no such file.
  static absl::StatusOr<Knob> Take(const std::string& path);

  absl::Status Set(absl::string_view value) const;
  // As the file reads, without its newline; of a list of choices, the one in [brackets].
  absl::StatusOr<std::string> Get() const;

 private:
  Knob(std::string path, UndoEntry undo) : path_(std::move(path)), undo_(std::move(undo)) {}

  std::string path_;
  UndoEntry undo_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_TESTING_KNOB_H_
