#include "daemon/reloader.h"

#include <spdlog/spdlog.h>
#include <systemd/sd-daemon.h>

#include <system_error>
#include <utility>

namespace pagemapd {

absl::StatusOr<std::unique_ptr<Reloader>> Reloader::Create(sd_event* loop, const TlsFiles& tls,
                                                           AccessControl& access,
                                                           Listener& listener) {
  std::unique_ptr<Reloader> reloader(new Reloader(tls, access, listener));
  auto done = Doorbell::Create(loop, [raw = reloader.get()] { raw->Done(); });
  if (!done.ok()) return done.status();
  reloader->done_ = *std::move(done);
  return reloader;
}

Reloader::~Reloader() {
  if (thread_.joinable()) thread_.join();
}

void Reloader::Reload() {
  if (thread_.joinable()) {
    again_ = true;
    return;
  }
  const auto read = [this] {
    if (absl::Status status = access_.Reload(); status.ok()) {
      spdlog::info("reloaded policy=\"{}\" grants={}", access_.path(), access_.grants());
    } else {
      spdlog::error("policy not reloaded, the old one stays error=\"{}\"", status.ToString());
    }
    if (!tls_.certificate.empty()) credentials_ = ReadTlsFiles(tls_);
    done_->Ring();
  };
  try {
    thread_ = std::thread(read);
    sd_notify(0, "STATUS=Reading the policy");
  } catch (const std::system_error& error) {
    spdlog::error("policy not reloaded, the old one stays error=\"{}\"", error.what());
  }
}

void Reloader::Done() {
  thread_.join();
  if (!credentials_.ok()) {
    spdlog::error("TLS files not reloaded, the old ones stay error=\"{}\"",
                  credentials_.status().ToString());
  } else if (*credentials_ != nullptr) {
    listener_.SetTlsCredentials(*std::move(credentials_));
    spdlog::info("reloaded TLS files");
  }
  credentials_ = nullptr;
  sd_notify(0, "STATUS=");
  if (std::exchange(again_, false)) Reload();
}

}  // namespace pagemapd
