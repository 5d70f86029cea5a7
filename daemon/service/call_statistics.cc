#include "daemon/service/call_statistics.h"

#include <algorithm>
#include <string>

#include "absl/strings/string_view.h"

namespace pagemapd {
namespace {

const google::protobuf::ServiceDescriptor* Service() {
  return v1::GetStatisticsResponse::descriptor()->file()->FindServiceByName("PagemapService");
}

// "/pagemapd.v1.PagemapService/QueryPages" to the method's index; those of other services come
// behind the last.
size_t IndexOf(absl::string_view path) {
  const google::protobuf::ServiceDescriptor* service = Service();
  const absl::string_view name = path.substr(path.rfind('/') + 1);
  const google::protobuf::MethodDescriptor* method = service->FindMethodByName(std::string(name));
  return method != nullptr ? method->index() : service->method_count();
}

}  // namespace

// One for each call; gRPC deletes it.
class CallStatistics::Interceptor : public grpc::experimental::Interceptor {
 public:
  explicit Interceptor(std::array<std::atomic<uint64_t>, kCodes>* counts) : counts_(counts) {}

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(
            grpc::experimental::InterceptionHookPoints::PRE_SEND_STATUS)) {
      const size_t code = static_cast<size_t>(methods->GetSendStatus().error_code());
      ++(*counts_)[std::min(code, kCodes - 1)];
    }
    methods->Proceed();
  }

 private:
  std::array<std::atomic<uint64_t>, kCodes>* const counts_;
};

class CallStatistics::InterceptorFactory
    : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit InterceptorFactory(CallStatistics* statistics) : statistics_(statistics) {}

  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override {
    return new Interceptor(
        &statistics_->counts_[std::min(IndexOf(info->method()), kMaxMethods - 1)]);
  }

 private:
  CallStatistics* const statistics_;
};

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>
CallStatistics::MakeInterceptor() {
  return std::make_unique<InterceptorFactory>(this);
}

void CallStatistics::Fill(v1::GetStatisticsResponse* response) const {
  const google::protobuf::ServiceDescriptor* service = Service();
  for (int method = 0; method <= service->method_count(); ++method) {
    for (size_t code = 0; code < kCodes; ++code) {
      const uint64_t calls = counts_[method][code];
      if (calls == 0) continue;
      v1::GetStatisticsResponse::Calls* out = response->add_calls();
      out->set_method(method < service->method_count() ? service->method(method)->name() : "other");
      out->set_code(code);
      out->set_calls(calls);
    }
  }
  response->set_page_out_attempted_pages(page_out_attempted_pages);
  response->set_page_out_achieved_pages(page_out_achieved_pages);
}

}  // namespace pagemapd
