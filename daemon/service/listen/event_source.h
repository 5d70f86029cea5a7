#ifndef PAGEMAPD_DAEMON_SERVICE_LISTEN_EVENT_SOURCE_H_
#define PAGEMAPD_DAEMON_SERVICE_LISTEN_EVENT_SOURCE_H_

#include <stdint.h>
#include <systemd/sd-event.h>

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace pagemapd {

// Something that the event loop waits for (sd-event(3)), and what is done then, in the loop's
// thread. Waited for until this is destroyed, which the function itself may do. One thread's.
class EventSource {
 public:
  using Function = std::function<void()>;

  EventSource() = default;
  EventSource(EventSource&&) = default;
  EventSource& operator=(EventSource&&) = default;

  // Whenever one of `events` (epoll_ctl(2)) holds of `fd`, which must outlive the source.
  static absl::StatusOr<EventSource> OnDescriptor(sd_event* loop, int fd, uint32_t events,
                                                  Function function);
  // When the process receives `signal`, which must be blocked in every thread.
  static absl::StatusOr<EventSource> OnSignal(sd_event* loop, int signal, Function function);
  // Every `period`; the first time after one.
  static absl::StatusOr<EventSource> Every(sd_event* loop, absl::Duration period,
                                           Function function);
  // Once, after `delay`.
  static absl::StatusOr<EventSource> After(sd_event* loop, absl::Duration delay, Function function);

 private:
  struct State {
    ~State();
    sd_event_source* source = nullptr;
    Function function;
    // Every: in microseconds.
    uint64_t period_us = 0;
  };

  static int Dispatch(State* state);
  static absl::StatusOr<EventSource> AddTimer(sd_event* loop, absl::Duration delay,
                                              absl::Duration period, Function function);

  // Shared, so that a function that destroys its source runs to its end.
  std::shared_ptr<State> state_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_LISTEN_EVENT_SOURCE_H_
