#ifndef PAGEMAPD_DAEMON_SERVICE_UNARY_REPLY_H_
#define PAGEMAPD_DAEMON_SERVICE_UNARY_REPLY_H_

#include <google/protobuf/message.h>
#include <grpcpp/support/server_callback.h>

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "daemon/service/admission.h"
#include "daemon/service/proto_conversion.h"
#include "daemon/service/slow_readers.h"

namespace pagemapd {

// The answer of a call that has but one. It owns itself until gRPC is done with it, which is when
// the client has taken it: until then it counts against the bytes in flight, and for no longer than
// a reader may stall.
class UnaryReply final : public grpc::ServerUnaryReactor {
 public:
  // `ticket` null: of a call that takes no place. `response` is gRPC's, and lives as long.
  UnaryReply(std::shared_ptr<Reader> reader, std::shared_ptr<Admission::Ticket> ticket,
             const google::protobuf::Message& response)
      : reader_(std::move(reader)), ticket_(std::move(ticket)), response_(response) {}

  // Once. The reply may be gone when this returns.
  void Send(const absl::Status& status) {
    if (ticket_ != nullptr) ticket_->AnswerIsReady(HeldBytes(response_));
    reader_->WriteBegins();
    Finish(ToGrpcStatus(status));
  }

  void OnDone() override {
    reader_->CallEnds();
    delete this;
  }

 private:
  const std::shared_ptr<Reader> reader_;
  const std::shared_ptr<Admission::Ticket> ticket_;
  const google::protobuf::Message& response_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_UNARY_REPLY_H_
