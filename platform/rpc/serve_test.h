#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>

#include "absl/time/clock.h"
#include "platform/base/mutex.h"
#include "platform/rpc/status_codec.h"
#include "platform/rpc/test_service.h"

// What the tests of `Serve` and of the server call it with.
namespace quartermaster::rpc {

// A stub with its calls made simple. Real HTTP/2 to a real server.
class TestClient {
 public:
  explicit TestClient(TestProgram& program)
      : units_(pb::Units::NewStub(program.Connect())),
        ledger_(pb::Ledger::NewStub(program.Connect())) {}

  absl::Status GetUnit(grpc::ClientContext& context, pb::Unit* unit = nullptr) {
    pb::GetUnitRequest request;
    request.set_name("units/east");
    pb::Unit unused;
    return FromGrpcStatus(units_->GetUnit(&context, request, unit == nullptr ? &unused : unit));
  }
  absl::Status GetUnit() {
    grpc::ClientContext context;
    ActAs(context, "persons/reader", "units.read");
    return GetUnit(context);
  }
  absl::Status PostMovement() {
    grpc::ClientContext context;
    ActAs(context, "persons/clerk", "ledger.post");
    pb::Movement movement;
    return FromGrpcStatus(ledger_->PostMovement(&context, {}, &movement));
  }
  absl::Status ProveConservation() {
    grpc::ClientContext context;
    ActAs(context, "persons/auditor", "ledger.prove");
    pb::ProveConservationResponse response;
    return FromGrpcStatus(ledger_->ProveConservation(&context, {}, &response));
  }
  pb::Units::Stub& units() { return *units_; }

 private:
  std::unique_ptr<pb::Units::Stub> units_;
  std::unique_ptr<pb::Ledger::Stub> ledger_;
};

// Waits until `condition` holds; fails the test after a while.
template <typename Condition>
void WaitUntil(Condition condition) {
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  while (!condition()) {
    ASSERT_LT(absl::Now(), deadline) << "it never came true";
    absl::SleepFor(absl::Milliseconds(1));
  }
}

// A gate that bodies wait at until the test opens it.
class Gate {
 public:
  absl::Status Pass() {
    ++arrived_;
    open_.WaitForNotification();
    return absl::OkStatus();
  }
  void WaitForArrivals(int count) {
    WaitUntil([&] { return arrived_.load() >= count; });
  }
  int arrived() const { return arrived_; }
  void Open() { open_.Notify(); }

 private:
  std::atomic<int> arrived_ = 0;
  base::Notification open_;
};

}  // namespace quartermaster::rpc
