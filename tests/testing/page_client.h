#ifndef PAGEMAPD_TESTS_TESTING_PAGE_CLIENT_H_
#define PAGEMAPD_TESTS_TESTING_PAGE_CLIENT_H_

#include <memory>
#include <string>
#include <vector>

#include "pagemapd/v1/pagemap_service.grpc.pb.h"

namespace pagemapd {

// A stub on a connection of its own. Thread-safe, as stubs are.
std::unique_ptr<v1::PagemapService::Stub> NewStub(const std::string& address);

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
