#ifndef PAGEMAPD_TESTS_FUZZ_INPUT_FILE_H_
#define PAGEMAPD_TESTS_FUZZ_INPUT_FILE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "daemon/procfs/proc_root.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {

// An open file that holds `text`, at its beginning.
UniqueFd OpenHolding(absl::string_view text);

// A directory below $TMPDIR that stands for /proc and holds one file, whose content is kept in
// memory: many times the runs of one on disk. Removed with this object.
class InputRoot {
 public:
  explicit InputRoot(const std::string& file);
  ~InputRoot();

  void Write(absl::string_view text) const;

  ProcRoot root() const { return ProcRoot(directory_); }

 private:
  UniqueFd content_;
  std::string directory_;
  std::string link_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_FUZZ_INPUT_FILE_H_
