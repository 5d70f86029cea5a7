#include "cli/command_fixture.h"

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "cli/output/output_stream.h"

namespace pagemapd {

grpc::Status CannedService::GetCapabilities(grpc::ServerContext*, const v1::GetCapabilitiesRequest*,
                                            v1::GetCapabilitiesResponse* response) {
  *response = capabilities;
  return grpc::Status::OK;
}

grpc::Status CannedService::ListMappings(grpc::ServerContext*, const v1::ListMappingsRequest*,
                                         v1::ListMappingsResponse* response) {
  ++mappings_calls;
  *response = mappings;
  return grpc::Status::OK;
}

grpc::Status CannedService::ListSwapAreas(grpc::ServerContext*, const v1::ListSwapAreasRequest*,
                                          v1::ListSwapAreasResponse* response) {
  *response = areas;
  return grpc::Status::OK;
}

grpc::Status CannedService::QueryPages(grpc::ServerContext*, const v1::QueryPagesRequest* request,
                                       grpc::ServerWriter<v1::QueryPagesResponse>* writer) {
  queries.push_back(*request);
  writer->Write(pages);
  return grpc::Status::OK;
}

grpc::Status CannedService::SummarizePages(grpc::ServerContext*,
                                           const v1::SummarizePagesRequest* request,
                                           v1::SummarizePagesResponse* response) {
  // Wraps for the first.
  const size_t later = summaries.size() - 1;
  summaries.push_back(*request);
  *response = later < later_summaries.size() ? later_summaries[later] : summary;
  if (request->targets_size() < response->targets_size()) {
    v1::SummarizePagesResponse all = std::move(*response);
    response->Clear();
    for (int i = 0; i < request->targets_size(); ++i) {
      *response->add_targets() = all.targets(next_target_++ % all.targets_size());
    }
  }
  return summary_status;
}

grpc::Status CannedService::PageOut(grpc::ServerContext*, const v1::PageOutRequest* request,
                                    grpc::ServerWriter<v1::PageOutResponse>* writer) {
  page_out_requests.push_back(*request);
  if (!page_outs.empty()) {
    const size_t answer = std::min(page_out_requests.size(), page_outs.size()) - 1;
    for (const v1::PageOutResponse& response : page_outs[answer]) writer->Write(response);
  }
  return page_out_status;
}

grpc::Status CannedService::GetStatistics(grpc::ServerContext*, const v1::GetStatisticsRequest*,
                                          v1::GetStatisticsResponse* response) {
  *response = statistics;
  return statistics_status;
}

CommandTest::CommandTest() {
  service_.capabilities.set_page_size_bytes(4096);
  service_.capabilities.mutable_limits()->set_max_targets(4);
  service_.capabilities.mutable_limits()->set_max_ranges(16);
  grpc::ServerBuilder builder;
  builder.RegisterService(&service_);
  server_ = builder.BuildAndStart();
}

CommandTest::~CommandTest() { server_->Shutdown(); }

CommandTest::Result CommandTest::Run(OutputFormat format, const Command& command) {
  const auto stub = v1::PagemapService::NewStub(server_->InProcessChannel({}));
  const int fd = memfd_create("out", MFD_CLOEXEC);
  OutputStream out(fd);
  const Session session("unix:///fake", stub.get(), format, /*with_heading=*/true, &out);
  Result result;
  testing::internal::CaptureStderr();
  result.code = command(session);
  result.error = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(out.Flush());
  result.out.resize(lseek(fd, 0, SEEK_END));
  EXPECT_EQ(pread(fd, result.out.data(), result.out.size(), 0),
            static_cast<ssize_t>(result.out.size()));
  close(fd);
  return result;
}

}  // namespace pagemapd
