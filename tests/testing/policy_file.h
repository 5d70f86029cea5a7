#ifndef PAGEMAPD_TESTS_TESTING_POLICY_FILE_H_
#define PAGEMAPD_TESTS_TESTING_POLICY_FILE_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/undo_entry.h"

namespace pagemapd {

// A policy file (policy.proto) for a daemon of the test's, in a directory of its own. Gone with
// this object.
class PolicyFile {
 public:
  static absl::StatusOr<PolicyFile> Create(absl::string_view text);

  const std::string& path() const { return path_; }

  // Replaces what is in it, and has `daemon` read it again (SIGHUP). Returns when that has: true if
  // the policy is in force, false if it was refused. DEADLINE_EXCEEDED if it does neither.
  absl::StatusOr<bool> Replace(absl::string_view text, const DaemonProcess& daemon) const;

 private:
  PolicyFile(std::string path, UndoEntry undo) : path_(std::move(path)), undo_(std::move(undo)) {}

  absl::Status Write(absl::string_view text) const;

  std::string path_;
  UndoEntry undo_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_TESTING_POLICY_FILE_H_
