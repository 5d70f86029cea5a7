#ifndef PAGEMAPD_DAEMON_SERVICE_PROTO_CONVERSION_H_
#define PAGEMAPD_DAEMON_SERVICE_PROTO_CONVERSION_H_

#include <google/protobuf/message.h>
#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "daemon/page/folio_counts.h"
#include "daemon/page/page_counts.h"
#include "daemon/procfs/maps.h"
#include "daemon/query/extent_builder.h"
#include "daemon/query/mapping_kind.h"
#include "daemon/reclaim/page_out_extents.h"
#include "daemon/reclaim/page_out_outcome.h"
#include "pagemapd/v1/pagemap_service.pb.h"
#include "pagemapd/v1/pages.pb.h"

// Values of page/ and query/ as protobuf messages. Nothing below service/ sees protobuf.

namespace pagemapd {

// The same code and message; the codes have the same numbers.
// What a message takes while it is sent: as an object, and as bytes.
inline uint64_t HeldBytes(const google::protobuf::Message& message) {
  return message.SpaceUsedLong() + message.ByteSizeLong();
}

grpc::Status ToGrpcStatus(const absl::Status& status);

void FillTargetError(const absl::Status& error, v1::TargetError* out);
void FillCounts(const PageCounts& counts, v1::PageCounts* out);
void FillExtent(const Extent& extent, v1::PageExtent* out);
void FillObject(const Vma& vma, v1::ObjectRef* out);
// Leaves vm_flags alone.
void FillMapping(const Vma& vma, MappingKind kind, v1::Mapping* out);

void FillPageOutExtent(const PageOutExtent& extent, v1::PageOutExtent* out);
void FillPageOutCounts(const PageOutCounts& counts, v1::PageOutCounts* out);

// Appends a SwapUse for each swap type that has pages; `out` is a repeated field of SwapUse.
void FillSwapUse(const SwapTypeCounts& counts,
                 google::protobuf::RepeatedPtrField<v1::SwapUse>* out);

// Appends a FolioSize for each order that has pages.
void FillFolios(const FolioCounts& counts, google::protobuf::RepeatedPtrField<v1::FolioSize>* out);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_PROTO_CONVERSION_H_
