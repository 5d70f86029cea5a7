#ifndef PAGEMAPD_TESTS_BENCH_SCAN_CLIENT_H_
#define PAGEMAPD_TESTS_BENCH_SCAN_CLIENT_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daemon/page/page_range.h"
#include "pagemapd/v1/pagemap_service.grpc.pb.h"

namespace pagemapd {

// Pages that a client found in what it received, by state. Of a bitmap: the bits alone, as
// `mapped`.
struct ScanTally {
  uint64_t hole = 0;
  uint64_t mapped = 0;
  uint64_t cached = 0;
  uint64_t swapped = 0;
  // What the daemon says of the whole range.
  v1::PageCounts told;
};

// A client of the daemon that looks at every page it is told of, as a real one would. Has a
// connection of its own. Not thread-safe.
class ScanClient {
 public:
  explicit ScanClient(const std::string& address);

  struct Query {
    pid_t pid = 0;
    PageRange range;
    // BITMAP asks for the resident pages, the others for every state.
    v1::Format format = v1::FORMAT_EXTENTS;
    std::vector<v1::PageField> fields;
    // After the first message, stops reading for so long.
    absl::Duration stall;
    v1::View view = v1::VIEW_PROCESS;
  };
  absl::StatusOr<ScanTally> QueryPages(const Query& query);

  absl::StatusOr<ScanTally> SummarizePages(pid_t pid, const PageRange& range);

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::PagemapService::Stub> stub_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_BENCH_SCAN_CLIENT_H_
