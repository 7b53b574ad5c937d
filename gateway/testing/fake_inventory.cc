#include "gateway/testing/fake_inventory.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "gateway/testing/raw_client.h"
#include "platform/rpc/status_codec.h"

namespace quartermaster::gateway {

namespace pb = inventory::v1;

class FakeInventory::UnitsFake final : public pb::Units::Service {
 public:
  explicit UnitsFake(FakeInventory& fake) : fake_(fake) {}

  grpc::Status GetUnit(grpc::ServerContext* context, const pb::GetUnitRequest* request,
                       pb::Unit* response) override {
    response->set_name(request->name());
    response->mutable_title()->set_zh("清河派出所");
    return fake_.Enter(context);
  }

  grpc::Status ListUnits(grpc::ServerContext* context, const pb::ListUnitsRequest* request,
                         pb::ListUnitsResponse* response) override {
    // Two pages, so that whoever reads the list must go on.
    pb::Unit& unit = *response->add_units();
    unit.set_name(request->page_token().empty() ? "units/east" : "units/qinghe");
    unit.mutable_title()->set_zh(request->page_token().empty() ? "东城分局" : "清河派出所");
    if (request->page_token().empty()) response->set_next_page_token("second");
    return fake_.Enter(context);
  }

 private:
  FakeInventory& fake_;
};

class FakeInventory::CatalogFake final : public pb::Catalog::Service {
 public:
  explicit CatalogFake(FakeInventory& fake) : fake_(fake) {}

  grpc::Status ListItems(grpc::ServerContext* context, const pb::ListItemsRequest*,
                         pb::ListItemsResponse* response) override {
    {
      base::MutexLock lock(&fake_.mutex_);
      *response = fake_.items_;
    }
    pb::Item& item = *response->add_items();
    item.set_name("items/n95-mask");
    item.mutable_title()->set_zh("N95口罩");
    item.mutable_title()->set_en("N95 mask");
    return fake_.Enter(context);
  }

 private:
  FakeInventory& fake_;
};

class FakeInventory::LedgerFake final : public pb::Ledger::Service {
 public:
  explicit LedgerFake(FakeInventory& fake) : fake_(fake) {}

  grpc::Status PostMovement(grpc::ServerContext* context, const pb::PostMovementRequest* request,
                            pb::Movement* response) override {
    response->set_name("movements/posted");
    response->set_reason(request->reason());
    *response->mutable_lines() = request->lines();
    response->set_note(request->note());
    return fake_.Enter(context);
  }

  // The token is how many lines were shown.
  grpc::Status SummarizeStock(grpc::ServerContext* context,
                              const pb::SummarizeStockRequest* request,
                              pb::SummarizeStockResponse* response) override {
    {
      base::MutexLock lock(&fake_.mutex_);
      *response = fake_.stock_;
    }
    int begin = 0;
    EXPECT_TRUE(request->page_token().empty() || absl::SimpleAtoi(request->page_token(), &begin));
    auto& lines = *response->mutable_lines();
    lines.DeleteSubrange(0, begin);
    if (const int size = request->page_size(); size != 0 && size < lines.size()) {
      lines.DeleteSubrange(size, lines.size() - size);
      response->set_next_page_token(absl::StrCat(begin + size));
    }
    return fake_.Enter(context);
  }

 private:
  FakeInventory& fake_;
};

class FakeInventory::RecordsFake final : public pb::Records::Service {
 public:
  explicit RecordsFake(FakeInventory& fake) : fake_(fake) {}

  grpc::Status Watch(grpc::ServerContext* context, const pb::WatchRequest* request,
                     grpc::ServerWriter<type::v1::RecordBatch>* writer) override {
    type::v1::RecordBatch batch;
    for (int i = 1; i <= 3; ++i) {
      batch.set_sequence(request->after_sequence() + i);
      writer->Write(batch);
    }
    return fake_.Enter(context);
  }

 private:
  FakeInventory& fake_;
};

FakeInventory::FakeInventory(const std::string& address) : address_(address) {
  services_.push_back(std::make_unique<UnitsFake>(*this));
  services_.push_back(std::make_unique<CatalogFake>(*this));
  services_.push_back(std::make_unique<LedgerFake>(*this));
  services_.push_back(std::make_unique<RecordsFake>(*this));
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  for (const auto& service : services_) builder.RegisterService(service.get());
  server_ = builder.BuildAndStart();
  EXPECT_NE(port, 0) << address;
  if (absl::EndsWith(address, ":0")) {
    address_ = absl::StrCat(absl::StripSuffix(address, "0"), port);
  }
}

FakeInventory::~FakeInventory() {
  Release();
  server_->Shutdown(absl::ToChronoTime(absl::Now()));
}

grpc::Status FakeInventory::Enter(grpc::ServerContext* context) {
  base::MutexLock lock(&mutex_);
  ++call_count_;
  changed_.SignalAll();
  last_.metadata.clear();
  for (const auto& [key, value] : context->client_metadata()) {
    last_.metadata.emplace(std::string(key.data(), key.size()),
                           std::string(value.data(), value.size()));
  }
  last_.deadline = absl::FromChrono(context->deadline());
  while (is_holding_) {
    if (context->IsCancelled()) {
      ++cancelled_count_;
      changed_.SignalAll();
      return grpc::Status::CANCELLED;
    }
    const auto is_released = [this]()
                                 ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !is_holding_; };
    changed_.AwaitWithTimeout(&mutex_, absl::Milliseconds(5), is_released);
  }
  return rpc::ToGrpcStatus(failure_, "");
}

void FakeInventory::FailWith(const absl::Status& status) {
  base::MutexLock lock(&mutex_);
  failure_ = status;
}

void FakeInventory::Hold() {
  base::MutexLock lock(&mutex_);
  is_holding_ = true;
}

void FakeInventory::Release() {
  base::MutexLock lock(&mutex_);
  is_holding_ = false;
  changed_.SignalAll();
}

void FakeInventory::SetStock(const pb::SummarizeStockResponse& stock) {
  base::MutexLock lock(&mutex_);
  stock_ = stock;
}

void FakeInventory::SetItems(const pb::ListItemsResponse& items) {
  base::MutexLock lock(&mutex_);
  items_ = items;
}

int FakeInventory::call_count() const {
  base::MutexLock lock(&mutex_);
  return call_count_;
}

FakeInventory::Heard FakeInventory::last() const {
  base::MutexLock lock(&mutex_);
  return last_;
}

bool FakeInventory::AwaitCalls(int count) const {
  const auto came = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return call_count_ >= count; };
  base::MutexLock lock(&mutex_);
  return changed_.AwaitWithTimeout(&mutex_, kPatience, came);
}

bool FakeInventory::AwaitCancelled(int count) const {
  const auto gone = [&]()
                        ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return cancelled_count_ >= count; };
  base::MutexLock lock(&mutex_);
  return changed_.AwaitWithTimeout(&mutex_, kPatience, gone);
}

}  // namespace quartermaster::gateway
