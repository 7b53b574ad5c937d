#pragma once

#include "inventory-svc/domain/unit_directory.h"
#include "platform/base/clock.h"
#include "platform/records/feed.h"
#include "platform/rpc/serve.h"
#include "quartermaster/inventory/v1/records.grpc.pb.h"

namespace quartermaster::inventory {

// The gRPC face of the sealed records: who may see which, and nothing else; the feed does the rest.
// Thread-safe; what it is given must outlive it.
class RecordsService final : public v1::Records::CallbackService {
 public:
  RecordsService(const rpc::Serve& serve, records::Feed& feed, const UnitDirectory& units,
                 const base::Clock& clock)
      : serve_(serve), feed_(feed), units_(units), clock_(clock) {}

  grpc::ServerWriteReactor<type::v1::RecordBatch>* Watch(grpc::CallbackServerContext* context,
                                                         const v1::WatchRequest* request) override;
  grpc::ServerUnaryReactor* ListBlocks(grpc::CallbackServerContext* context,
                                       const v1::ListBlocksRequest* request,
                                       v1::ListBlocksResponse* response) override;
  grpc::ServerUnaryReactor* GetHead(grpc::CallbackServerContext* context,
                                    const v1::GetHeadRequest* request,
                                    type::v1::RecordBlock* response) override;

 private:
  const rpc::Serve& serve_;
  records::Feed& feed_;
  const UnitDirectory& units_;
  const base::Clock& clock_;
};

}  // namespace quartermaster::inventory
