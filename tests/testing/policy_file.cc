#include "tests/testing/policy_file.h"

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <signal.h>
#include <stdlib.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "pagemapd/v1/pagemap_service.grpc.pb.h"
#include "tests/testing/fd.h"
#include "tests/testing/page_client.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

absl::StatusOr<v1::GetStatisticsResponse> Statistics(v1::PagemapService::Stub& stub) {
  grpc::ClientContext context;
  v1::GetStatisticsResponse statistics;
  const grpc::Status status = stub.GetStatistics(&context, {}, &statistics);
  if (!status.ok()) return absl::UnknownError("GetStatistics: " + status.error_message());
  return statistics;
}

}  // namespace

absl::StatusOr<PolicyFile> PolicyFile::Create(absl::string_view text) {
  char directory[] = "/tmp/pagemapd-test-XXXXXX";
  if (mkdtemp(directory) == nullptr) return ErrnoError("mkdtemp");
  absl::StatusOr<UndoEntry> undo = UndoEntry::Register({"rmtree", directory});
  if (!undo.ok()) return undo.status();
  PolicyFile file(absl::StrCat(directory, "/pagemapd.policy"), *std::move(undo));
  if (absl::Status written = file.Write(text); !written.ok()) return written;
  return file;
}

absl::Status PolicyFile::Write(absl::string_view text) const {
  Fd fd(open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd || write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return ErrnoError("write " + path_);
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> PolicyFile::Replace(absl::string_view text,
                                         const DaemonProcess& daemon) const {
  const auto stub = NewStub(daemon.address());
  const auto before = Statistics(*stub);
  if (!before.ok()) return before.status();
  if (absl::Status written = Write(text); !written.ok()) return written;
  if (absl::Status sent = daemon.Signal(SIGHUP); !sent.ok()) return sent;
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  while (absl::Now() < deadline) {
    const auto now = Statistics(*stub);
    if (!now.ok()) return now.status();
    if (now->policy_loads() > before->policy_loads()) return true;
    if (now->policy_failures() > before->policy_failures()) return false;
    absl::SleepFor(absl::Milliseconds(1));
  }
  return absl::DeadlineExceededError("the policy was not read again");
}

}  // namespace pagemapd
