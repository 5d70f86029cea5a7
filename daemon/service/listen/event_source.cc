#include "daemon/service/listen/event_source.h"

#include <sys/signalfd.h>
#include <time.h>

#include <utility>

#include "daemon/sys/errno_status.h"

namespace pagemapd {

EventSource::State::~State() {
  // Off the loop at once, even while it is being dispatched.
  sd_event_source_disable_unref(source);
}

int EventSource::Dispatch(State* state) {
  // The function may destroy its source, and itself with it.
  const Function function = state->function;
  if (state->period_us != 0) {
    sd_event_source_set_time_relative(state->source, state->period_us);
    sd_event_source_set_enabled(state->source, SD_EVENT_ONESHOT);
  }
  function();
  return 0;
}

absl::StatusOr<EventSource> EventSource::OnDescriptor(sd_event* loop, int fd, uint32_t events,
                                                      Function function) {
  EventSource made;
  made.state_ = std::make_shared<State>();
  made.state_->function = std::move(function);
  const int error = sd_event_add_io(
      loop, &made.state_->source, fd, events,
      [](sd_event_source*, int, uint32_t, void* state) {
        return Dispatch(static_cast<State*>(state));
      },
      made.state_.get());
  if (error < 0) return ErrnoStatus(-error, "sd_event_add_io");
  return made;
}

absl::StatusOr<EventSource> EventSource::OnSignal(sd_event* loop, int signal, Function function) {
  EventSource made;
  made.state_ = std::make_shared<State>();
  made.state_->function = std::move(function);
  const int error = sd_event_add_signal(
      loop, &made.state_->source, signal,
      [](sd_event_source*, const signalfd_siginfo*, void* state) {
        return Dispatch(static_cast<State*>(state));
      },
      made.state_.get());
  if (error < 0) return ErrnoStatus(-error, "sd_event_add_signal");
  return made;
}

absl::StatusOr<EventSource> EventSource::AddTimer(sd_event* loop, absl::Duration delay,
                                                  absl::Duration period, Function function) {
  EventSource made;
  made.state_ = std::make_shared<State>();
  made.state_->function = std::move(function);
  made.state_->period_us = absl::ToInt64Microseconds(period);
  const int error = sd_event_add_time_relative(
      loop, &made.state_->source, CLOCK_MONOTONIC, absl::ToInt64Microseconds(delay),
      /*accuracy=*/10'000,
      [](sd_event_source*, uint64_t, void* state) { return Dispatch(static_cast<State*>(state)); },
      made.state_.get());
  if (error < 0) return ErrnoStatus(-error, "sd_event_add_time_relative");
  return made;
}

absl::StatusOr<EventSource> EventSource::Every(sd_event* loop, absl::Duration period,
                                               Function function) {
  return AddTimer(loop, period, period, std::move(function));
}

absl::StatusOr<EventSource> EventSource::After(sd_event* loop, absl::Duration delay,
                                               Function function) {
  return AddTimer(loop, delay, absl::ZeroDuration(), std::move(function));
}

}  // namespace pagemapd
