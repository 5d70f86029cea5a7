#ifndef PAGEMAPD_TESTS_TESTING_PAGE_CLIENT_H_
#define PAGEMAPD_TESTS_TESTING_PAGE_CLIENT_H_

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "pagemapd/v1/pagemap_service.grpc.pb.h"

namespace pagemapd {

struct PageSpan {
  uint64_t start;
  uint64_t pages;
};

// A stub on a connection of its own. Thread-safe, as stubs are.
std::unique_ptr<v1::PagemapService::Stub> NewStub(const std::string& address);

// A request for one target; `start_time_ticks` is 0, and every state is wanted.
v1::QueryPagesRequest QueryOf(int pid, std::initializer_list<PageSpan> ranges, v1::View view,
                              v1::Format format, std::initializer_list<v1::PageField> fields = {});

// Adds a target to a request of either kind.
template <typename Request>
void AddTarget(int pid, std::initializer_list<PageSpan> ranges, Request* request) {
  v1::Target* target = request->add_targets();
  target->mutable_process()->set_pid(pid);
  for (const PageSpan& span : ranges) {
    v1::AddressRange* range = target->add_ranges();
    range->set_start(span.start);
    range->set_end(span.start + span.pages * 4096);
  }
}

// A whole answer to QueryPages, in the order it came.
struct PagesAnswer {
  grpc::Status status;
  std::vector<v1::TargetStart> starts;
  std::vector<v1::PageChunk> chunks;
  std::vector<v1::TargetEnd> ends;
};

// Calls QueryPages, with a deadline of one minute.
PagesAnswer QueryAll(v1::PagemapService::Stub& stub, const v1::QueryPagesRequest& request);

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_TESTING_PAGE_CLIENT_H_
