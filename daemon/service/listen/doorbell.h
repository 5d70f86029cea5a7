#ifndef PAGEMAPD_DAEMON_SERVICE_LISTEN_DOORBELL_H_
#define PAGEMAPD_DAEMON_SERVICE_LISTEN_DOORBELL_H_

#include <systemd/sd-event.h>

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "daemon/service/listen/event_source.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {

// How other threads have the event loop call a function: once or more often after a Ring.
class Doorbell {
 public:
  // `function` is called in the thread of `loop`, which must outlive the doorbell.
  static absl::StatusOr<std::unique_ptr<Doorbell>> Create(sd_event* loop,
                                                          EventSource::Function function);

  // Any thread.
  void Ring() const;

 private:
  explicit Doorbell(UniqueFd counter) : counter_(std::move(counter)) {}

  // An eventfd(2).
  const UniqueFd counter_;
  EventSource rung_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_LISTEN_DOORBELL_H_
