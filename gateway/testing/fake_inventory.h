#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/base/mutex.h"
#include "quartermaster/inventory/v1/catalog.grpc.pb.h"
#include "quartermaster/inventory/v1/ledger.grpc.pb.h"
#include "quartermaster/inventory/v1/records.grpc.pb.h"
#include "quartermaster/inventory/v1/units.grpc.pb.h"

namespace quartermaster::gateway {

// A real gRPC server in the place of inventory-svc. It answers a few methods with what it was
// asked, remembers how it was asked, and can fail or hold calls; a stream after three batches.
// Thread-safe.
class FakeInventory {
 public:
  // What came with the last call.
  struct Heard {
    std::multimap<std::string, std::string> metadata;
    absl::Time deadline;
  };

  // `host:port`, port 0 takes a free one, or `unix:/path`, where one can come back after another.
  explicit FakeInventory(const std::string& address = "127.0.0.1:0");
  ~FakeInventory();

  const std::string& address() const { return address_; }

  // From now on every call fails with it, unless it is OK.
  void FailWith(const absl::Status& status);
  // From now on calls wait until they are cancelled or released.
  void Hold();
  void Release();
  // What `SummarizeStock` answers, in pages of the size asked for.
  void SetStock(const inventory::v1::SummarizeStockResponse& stock);
  // What `ListItems` answers, beside masks.
  void SetItems(const inventory::v1::ListItemsResponse& items);

  int call_count() const;
  Heard last() const;
  // Waits until that many calls have come, or been cancelled while held.
  bool AwaitCalls(int count) const;
  bool AwaitCancelled(int count) const;

 private:
  class UnitsFake;
  class CatalogFake;
  class LedgerFake;
  class RecordsFake;

  // What every method begins with: remembers, fails, holds.
  grpc::Status Enter(grpc::ServerContext* context);

  mutable base::Mutex mutex_;
  mutable base::CondVar changed_;
  int call_count_ ABSL_GUARDED_BY(mutex_) = 0;
  int cancelled_count_ ABSL_GUARDED_BY(mutex_) = 0;
  bool is_holding_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  Heard last_ ABSL_GUARDED_BY(mutex_);
  inventory::v1::SummarizeStockResponse stock_ ABSL_GUARDED_BY(mutex_);
  inventory::v1::ListItemsResponse items_ ABSL_GUARDED_BY(mutex_);

  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace quartermaster::gateway
