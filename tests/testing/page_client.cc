#include "tests/testing/page_client.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <utility>

namespace pagemapd {

std::unique_ptr<v1::PagemapService::Stub> NewStub(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return v1::PagemapService::NewStub(
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
}

v1::QueryPagesRequest QueryOf(int pid, std::initializer_list<PageSpan> ranges, v1::View view,
                              v1::Format format, std::initializer_list<v1::PageField> fields) {
  v1::QueryPagesRequest request;
  AddTarget(pid, ranges, &request);
  request.set_view(view);
  request.set_format(format);
  for (v1::PageField field : fields) request.add_fields(field);
  return request;
}

PagesAnswer QueryAll(v1::PagemapService::Stub& stub, const v1::QueryPagesRequest& request) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
  auto stream = stub.QueryPages(&context, request);
  PagesAnswer answer;
  v1::QueryPagesResponse message;
  while (stream->Read(&message)) {
    for (auto& start : *message.mutable_starts()) answer.starts.push_back(std::move(start));
    for (auto& chunk : *message.mutable_chunks()) answer.chunks.push_back(std::move(chunk));
    for (auto& end : *message.mutable_ends()) answer.ends.push_back(std::move(end));
  }
  answer.status = stream->Finish();
  return answer;
}

}  // namespace pagemapd
