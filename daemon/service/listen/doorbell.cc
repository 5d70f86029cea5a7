#include "daemon/service/listen/doorbell.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <utility>

#include "daemon/sys/errno_status.h"

namespace pagemapd {

absl::StatusOr<std::unique_ptr<Doorbell>> Doorbell::Create(sd_event* loop,
                                                           EventSource::Function function) {
  UniqueFd counter(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!counter) return ErrnoStatus(errno, "eventfd");
  std::unique_ptr<Doorbell> doorbell(new Doorbell(std::move(counter)));
  const int fd = doorbell->counter_.get();
  absl::StatusOr<EventSource> rung =
      EventSource::OnDescriptor(loop, fd, EPOLLIN, [fd, function = std::move(function)] {
        eventfd_t rings;
        eventfd_read(fd, &rings);
        function();
      });
  if (!rung.ok()) return rung.status();
  doorbell->rung_ = *std::move(rung);
  return doorbell;
}

void Doorbell::Ring() const { eventfd_write(counter_.get(), 1); }

}  // namespace pagemapd
