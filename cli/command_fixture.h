#ifndef PAGEMAPD_CLI_COMMAND_FIXTURE_H_
#define PAGEMAPD_CLI_COMMAND_FIXTURE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/exit_code.h"
#include "cli/session.h"
#include "gtest/gtest.h"
#include "pagemapd/v1/pagemap_service.grpc.pb.h"

namespace pagemapd {

// A service of this process that gives the answers it holds, and keeps the requests.
struct CannedService : public v1::PagemapService::Service {
  grpc::Status GetCapabilities(grpc::ServerContext*, const v1::GetCapabilitiesRequest*,
                               v1::GetCapabilitiesResponse* response) override;
  grpc::Status ListMappings(grpc::ServerContext*, const v1::ListMappingsRequest*,
                            v1::ListMappingsResponse* response) override;
  grpc::Status ListSwapAreas(grpc::ServerContext*, const v1::ListSwapAreasRequest*,
                             v1::ListSwapAreasResponse* response) override;
  grpc::Status QueryPages(grpc::ServerContext*, const v1::QueryPagesRequest* request,
                          grpc::ServerWriter<v1::QueryPagesResponse>* writer) override;
  grpc::Status SummarizePages(grpc::ServerContext*, const v1::SummarizePagesRequest* request,
                              v1::SummarizePagesResponse* response) override;
  grpc::Status PageOut(grpc::ServerContext*, const v1::PageOutRequest* request,
                       grpc::ServerWriter<v1::PageOutResponse>* writer) override;
  grpc::Status GetStatistics(grpc::ServerContext*, const v1::GetStatisticsRequest*,
                             v1::GetStatisticsResponse* response) override;

  v1::GetCapabilitiesResponse capabilities;
  v1::ListMappingsResponse mappings;
  v1::ListSwapAreasResponse areas;
  v1::QueryPagesResponse pages;
  // Where there are more targets than a call asks about, it is told of the next ones.
  v1::SummarizePagesResponse summary;
  // What the calls of SummarizePages after the first answer, one after the other; `summary` answers
  // the others.
  std::vector<v1::SummarizePagesResponse> later_summaries;
  // Of SummarizePages.
  grpc::Status summary_status;
  // What each call of PageOut answers, one after the other; the last one answers all further calls.
  std::vector<std::vector<v1::PageOutResponse>> page_outs;
  grpc::Status page_out_status;
  v1::GetStatisticsResponse statistics;
  grpc::Status statistics_status;

  int mappings_calls = 0;
  std::vector<v1::QueryPagesRequest> queries;
  std::vector<v1::SummarizePagesRequest> summaries;
  std::vector<v1::PageOutRequest> page_out_requests;

 private:
  int next_target_ = 0;
};

// Runs commands against a CannedService, with pages of 4 KiB and 16 ranges a request.
class CommandTest : public testing::Test {
 protected:
  using Command = std::function<ExitCode(const Session&)>;

  CommandTest();
  ~CommandTest() override;

  struct Result {
    ExitCode code;
    // What went to standard output and to standard error.
    std::string out;
    std::string error;
  };
  Result Run(OutputFormat format, const Command& command);

  CannedService service_;

 private:
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_COMMAND_FIXTURE_H_
