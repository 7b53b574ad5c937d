#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "platform/base/mutex.h"
#include "qmctl/client/client.h"
#include "qmctl/import/plan.h"

namespace quartermaster::qmctl {

// As much of the books as an import needs, in memory: papers enter once, request ids are remembered
// for each caller, transfers take their steps. Thread-safe.
class FakeBooks {
 public:
  // A caller of these books; the books must outlive it.
  class FakeClient final : public Client {
   public:
    FakeClient(FakeBooks& books, std::string caller) : books_(books), caller_(std::move(caller)) {}
    absl::Status Call(absl::string_view method, const google::protobuf::Message& request,
                      google::protobuf::Message& response) const override;

    absl::Status Watch(const inventory::v1::WatchRequest&,
                       absl::FunctionRef<bool(const type::v1::RecordBatch&)>) const override {
      return absl::UnimplementedError("an import follows no feed");
    }

   private:
    FakeBooks& books_;
    const std::string caller_;
  };

  // From now on the clock of the books stands here.
  absl::Time now = absl::FromUnixSeconds(1580000000);
  // What the next movements are refused with, in order; OK posts.
  std::vector<absl::Status> next_results;
  // What every call fails with unless it is OK.
  absl::Status outage;
  // The lots that were posted, in order.
  std::vector<std::string> posted_lots;
  // The request ids of every batch that came in.
  std::vector<std::vector<std::string>> batches;
  std::vector<pb::Transfer> transfers;
  std::vector<pb::DispatchTransferRequest> dispatches;
  std::vector<pb::ConfirmTransferReceiptRequest> receipts;
  // How many base units one of the written unit is.
  int64_t factor = 1;

 private:
  absl::Status Call(const std::string& caller, absl::string_view method,
                    const google::protobuf::Message& request, google::protobuf::Message& response);
  pb::PostMovementResult Post(const std::string& caller, const pb::PostMovementRequest& request);
  absl::Status Create(const pb::CreateTransferRequest& request, pb::Transfer& transfer);
  absl::Status Step(const std::string& caller, const std::string& name, const std::string& etag,
                    pb::TransferState from, pb::TransferState to, const std::string& waybill,
                    pb::Transfer& transfer);

  base::Mutex mutex_;
  // By caller and request id.
  std::map<std::pair<std::string, std::string>, pb::Movement> requests_;
  std::map<std::string, pb::Movement> papers_;
};

}  // namespace quartermaster::qmctl
