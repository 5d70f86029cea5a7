#ifndef PAGEMAPD_DAEMON_SERVICE_CALL_STATISTICS_H_
#define PAGEMAPD_DAEMON_SERVICE_CALL_STATISTICS_H_

#include <grpcpp/support/server_interceptor.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "pagemapd/v1/pagemap_service.pb.h"

namespace pagemapd {

// How calls ended, by method and status. Must outlive the servers. Safe for any thread.
class CallStatistics {
 public:
  // For a server whose calls are to be counted.
  std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeInterceptor();

  // Appends those that there were.
  void Fill(v1::GetStatisticsResponse* response) const;

  // For the page-out's end.
  std::atomic<uint64_t> page_out_attempted_pages{0};
  std::atomic<uint64_t> page_out_achieved_pages{0};

 private:
  class Interceptor;
  class InterceptorFactory;

  // The methods of the service, by index in its descriptor, and behind them one for all others:
  // health and reflection.
  static constexpr size_t kMaxMethods = 16;
  // 0 to 16.
  static constexpr size_t kCodes = 17;
  std::array<std::array<std::atomic<uint64_t>, kCodes>, kMaxMethods> counts_{};
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_CALL_STATISTICS_H_
