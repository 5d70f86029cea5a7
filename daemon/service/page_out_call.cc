#include "daemon/service/page_out_call.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "daemon/query/scan_pipeline.h"
#include "daemon/service/proto_conversion.h"

namespace pagemapd {
namespace {

// A message goes out after this long, or with this many extents, whichever comes first.
constexpr uint64_t kMessageNanoseconds = 100'000'000;
constexpr size_t kMessageExtents = 4096;

}  // namespace

PageOutCall* PageOutCall::Start(const ServiceContext& context, std::shared_ptr<Reader> reader,
                                TaskLane lane, PageOutRequest request,
                                uint64_t max_pages_per_second, Asker asker,
                                std::shared_ptr<Admission::Ticket> ticket) {
  auto call =
      std::make_shared<PageOutCall>(context, std::move(reader), std::move(lane), std::move(request),
                                    max_pages_per_second, std::move(asker), std::move(ticket));
  call->self_ = call;
  call->Submit();
  return call.get();
}

void PageOutCall::Submit() {
  lane_.Submit([self = shared_from_this()](ChunkScanner& scanner) { self->Work(scanner); });
}

absl::Status PageOutCall::Open() {
  begin_ns_ = MonotonicNanoseconds();
  const size_t ranges = request_.ranges.size();
  auto page_out = PageOut::Open(*context_.environment, std::move(request_));
  if (!page_out.ok()) return page_out.status();
  page_out_ = *std::move(page_out);
  LogBegin(ranges);
  return absl::OkStatus();
}

std::optional<std::string> PageOutCall::MayLog(bool pages_out) const {
  if (pages_out) return "";
  const auto suppressed = context_.access->log_limiter().MayLog(asker_.caller, absl::Now());
  if (!suppressed.has_value()) return std::nullopt;
  return absl::StrCat(" suppressed=", *suppressed);
}

void PageOutCall::LogBegin(size_t ranges) {
  const std::optional<std::string> suffix = MayLog(/*pages_out=*/!is_dry_run_);
  if (!suffix.has_value()) return;
  spdlog::info("page_out begins {} target={} start_time_ticks={} ranges={} dry_run={}{}", asker_.by,
               pid_, page_out_->process().start_time_ticks(), ranges, is_dry_run_, *suffix);
}

void PageOutCall::Work(ChunkScanner& scanner) {
  if (page_out_ == nullptr) {
    if (absl::Status status = Open(); !status.ok()) return End(status);
  }
  const uint64_t begin_ns = MonotonicNanoseconds();
  while (true) {
    if (cancelled_) return FinishCancelled();
    const uint64_t step_ns = MonotonicNanoseconds();
    const uint64_t attempted = page_out_->counts().attempted;
    const absl::StatusOr<bool> more = page_out_->Step(
        scanner, pace_.StepPages(ChunkScanner::kBlockPages), [this] { return cancelled_.load(); });
    if (cancelled_) return FinishCancelled();
    if (!more.ok()) return End(more.status());
    if (!*more) return End(absl::OkStatus());
    const uint64_t now = MonotonicNanoseconds();
    next_ns_ = pace_.Add(step_ns, page_out_->counts().attempted - attempted);
    if (next_ns_ > now || now - begin_ns >= kMessageNanoseconds ||
        page_out_->extents().complete().size() >= kMessageExtents) {
      return Write(/*more=*/true);
    }
  }
}

void PageOutCall::Write(bool more) {
  if (!std::exchange(told_process_, true) && page_out_ != nullptr) {
    message_.mutable_process()->set_pid(page_out_->process().pid());
    message_.mutable_process()->set_start_time_ticks(page_out_->process().start_time_ticks());
  }
  if (page_out_ != nullptr) {
    for (const PageOutExtent& extent : page_out_->extents().complete()) {
      FillPageOutExtent(extent, message_.add_extents());
    }
    page_out_->extents().complete().clear();
    FillPageOutCounts(page_out_->counts(), message_.mutable_counts());
  }
  if (more) {
    reader_->WriteBegins();
    StartWrite(&message_);
    return;
  }
  // Every file descriptor of the process is closed before the client hears that it is done.
  page_out_.reset();
  ticket_->AnswerIsReady(HeldBytes(message_));
  reader_->WriteBegins();
  StartWriteAndFinish(&message_, grpc::WriteOptions(), grpc::Status::OK);
}

void PageOutCall::End(const absl::Status& error) {
  v1::PageOutEnd& end = *message_.mutable_end();
  absl::Status last = error;
  if (page_out_ != nullptr) {
    page_out_->extents().Flush();
    if (last.ok()) {
      const absl::StatusOr<bool> changed = page_out_->MappingsChanged();
      last = changed.status();
      end.set_mappings_changed(changed.value_or(false));
    }
  }
  if (!last.ok()) FillTargetError(last, end.mutable_error());
  LogEnd(last);
  end.set_begin_ns(begin_ns_);
  end.set_end_ns(MonotonicNanoseconds());
  Write(/*more=*/false);
}

void PageOutCall::LogEnd(const absl::Status& error) {
  const PageOutCounts done = page_out_ != nullptr ? page_out_->counts() : PageOutCounts();
  if (!is_dry_run_) {
    context_.calls->page_out_attempted_pages += done.attempted;
    context_.calls->page_out_achieved_pages += done.achieved;
  }
  const auto suffix = MayLog(/*pages_out=*/page_out_ != nullptr && !is_dry_run_);
  if (!suffix.has_value()) return;
  spdlog::info("page_out ends {} target={} dry_run={} asked={} attempted={} achieved={}{}{}",
               asker_.by, pid_, is_dry_run_, done.asked, done.attempted, done.achieved,
               error.ok() ? "" : absl::StrCat(" error=\"", error.ToString(), "\""), *suffix);
}

void PageOutCall::FinishCancelled() {
  LogEnd(absl::CancelledError("the caller went away"));
  page_out_.reset();
  ticket_->AnswerIsReady(0);
  Finish(grpc::Status::CANCELLED);
}

void PageOutCall::OnWriteDone(bool ok) {
  // Of the last write there is no such call.
  if (reader_->WriteEnds([self = shared_from_this(), ok] { self->WriteDone(ok); })) WriteDone(ok);
}

void PageOutCall::WriteDone(bool ok) {
  if (!ok || cancelled_) return FinishCancelled();
  message_.Clear();
  const uint64_t now = MonotonicNanoseconds();
  if (next_ns_ <= now) {
    Submit();
    return;
  }
  absl::MutexLock lock(&mutex_);
  // Not by a reference of its own, which the alarm would keep for as long as it lives: until this
  // has run nobody else can finish the call.
  alarm_.Set(std::chrono::system_clock::now() + std::chrono::nanoseconds(next_ns_ - now),
             [this](bool) {
               if (cancelled_) return FinishCancelled();
               Submit();
             });
  // OnCancel may have come before there was an alarm to cancel.
  if (cancelled_) alarm_.Cancel();
}

void PageOutCall::OnCancel() {
  cancelled_ = true;
  absl::MutexLock lock(&mutex_);
  alarm_.Cancel();
}

void PageOutCall::OnDone() {
  reader_->CallEnds();
  // Last: this may be the last reference.
  std::shared_ptr<PageOutCall> self = std::move(self_);
}

}  // namespace pagemapd
