#include "cli/pageout/recording.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "cli/pageout/line_input.h"
#include "cli/pageout/page_out_job.h"
#include "cli/pageout/page_out_range.h"
#include "cli/pageout/recorded_extent.h"

namespace pagemapd {
namespace {

class Recording {
 public:
  // Without `relocate` the recording is of `process` itself, whose start time it tells.
  Recording(const Session& session, const v1::GetCapabilitiesResponse& capabilities,
            const v1::ProcessRef& process, const PageOutSwitches& switches, int fd,
            const std::string& shown, const Relocate& relocate)
      : session_(session),
        capabilities_(capabilities),
        process_(process),
        switches_(switches),
        input_(fd),
        shown_(shown),
        relocate_(relocate) {}

  ExitCode PageOut() {
    while (TakeLine()) {
    }
    if (next_.has_value() && job_.has_value()) job_->Add(*next_);
    TellOfLines();
    if (job_.has_value()) return job_->Finish(bad_lines_ > 0 || wrong_);
    if (!wrong_) Complain(absl::StrCat("note: ", shown_, " has no line of swapped pages"));
    // Of a process that had nothing in swap there is nothing to page out.
    return wrong_ || bad_lines_ > 0 ? ExitCode::kFailed : ExitCode::kDone;
  }

 private:
  // False at the end, and once there is no point in reading on.
  bool TakeLine() {
    switch (input_.Next()) {
      case LineInput::Item::kEnd:
        return false;
      case LineInput::Item::kError:
        wrong_ = true;
        Complain(absl::StrCat("cannot read ", shown_, ": ", strerror(input_.error_number())));
        return false;
      case LineInput::Item::kTooLong:
        BadLine(absl::StrCat("is longer than ", LineInput::kMaxLineBytes, " bytes"));
        return true;
      case LineInput::Item::kLine:
        break;
    }
    if (absl::StripAsciiWhitespace(input_.line()).empty()) return true;
    const absl::StatusOr<RecordedExtent> extent =
        ParseRecordedExtent(input_.line(), capabilities_.page_size_bytes());
    if (extent.ok()) return TakeExtent(*extent);
    if (absl::IsFailedPrecondition(extent.status())) return Reject(extent.status().message());
    BadLine(extent.status().message());
    return true;
  }

  bool TakeExtent(const RecordedExtent& extent) {
    const int32_t pid = extent.process.pid();
    const uint64_t start_time = extent.process.start_time_ticks();
    if (!relocate_ && pid != process_.pid()) {
      return Reject(absl::StrCat("pid is ", pid, ", not ", process_.pid()));
    }
    if (!recorded_.has_value()) recorded_ = extent.process;
    if (pid != recorded_->pid()) {
      return Reject(
          absl::StrCat("pid is ", pid, ", not ", recorded_->pid(), " as in the lines before"));
    }
    if (start_time != recorded_->start_time_ticks()) {
      return Reject(absl::StrCat("start_time_ticks is ", start_time, ", not ",
                                 recorded_->start_time_ticks(), " as in the lines before"));
    }
    if (extent.state != v1::PAGE_STATE_SWAPPED) {
      ++other_lines_;
      return true;
    }
    if (!relocate_) return TakeRange(extent.range);
    const absl::StatusOr<std::vector<v1::PageOutRange>> ranges = relocate_(extent);
    if (!ranges.ok()) {
      BadLine(ranges.status().message());
      return true;
    }
    return std::all_of(ranges->begin(), ranges->end(),
                       [this](const v1::PageOutRange& range) { return TakeRange(range); });
  }

  bool TakeRange(const v1::PageOutRange& range) {
    if (!job_.has_value()) {
      job_.emplace(session_, capabilities_, relocate_ ? process_ : *recorded_, switches_, 0);
    }
    if (next_.has_value()) {
      if (ExtendRange(range, capabilities_.page_size_bytes(), &*next_)) return true;
      if (!job_->Add(*next_)) {
        next_.reset();
        return false;
      }
    }
    next_ = range;
    return true;
  }

  // The recording is not of this process: what is not done yet must not be.
  bool Reject(absl::string_view why) {
    wrong_ = true;
    next_.reset();
    if (job_.has_value()) job_->Drop();
    Complain(absl::StrCat(shown_, ":", input_.number(), ": ", why));
    return false;
  }

  void BadLine(absl::string_view what) {
    if (++bad_lines_ > kBadLinesShown) return;
    Complain(absl::StrCat(shown_, ":", input_.number(), ": ", what));
  }

  void TellOfLines() {
    if (bad_lines_ > kBadLinesShown) {
      Complain(absl::StrCat(shown_, ": ", bad_lines_ - kBadLinesShown,
                            " more lines are not lines of `pages -o jsonl`"));
    }
    if (other_lines_ > 0) {
      Complain(absl::StrCat("note: ", other_lines_, " lines of ", shown_,
                            " are of pages that were not swapped, and were passed over"));
    }
  }

  void Complain(const std::string& message) {
    if (job_.has_value()) {
      job_->Complain(message);
    } else {
      session_.Complain(message);
    }
  }

  const Session& session_;
  const v1::GetCapabilitiesResponse& capabilities_;
  const v1::ProcessRef process_;
  const PageOutSwitches switches_;
  LineInput input_;
  const std::string shown_;
  const Relocate relocate_;
  // Of the first line that is one.
  std::optional<v1::ProcessRef> recorded_;
  std::optional<PageOutJob> job_;
  // The range that the next line may go on with.
  std::optional<v1::PageOutRange> next_;
  uint64_t other_lines_ = 0;
  uint64_t bad_lines_ = 0;
  // The recording as a whole is; said already.
  bool wrong_ = false;
};

}  // namespace

ExitCode PageOutRecording(const Session& session, const v1::GetCapabilitiesResponse& capabilities,
                          int32_t pid, const PageOutSwitches& switches, int fd,
                          const std::string& shown) {
  v1::ProcessRef process;
  process.set_pid(pid);
  return Recording(session, capabilities, process, switches, fd, shown, nullptr).PageOut();
}

ExitCode PageOutRelocated(const Session& session, const v1::GetCapabilitiesResponse& capabilities,
                          const v1::ProcessRef& process, const PageOutSwitches& switches, int fd,
                          const std::string& shown, const Relocate& relocate) {
  return Recording(session, capabilities, process, switches, fd, shown, relocate).PageOut();
}

}  // namespace pagemapd
