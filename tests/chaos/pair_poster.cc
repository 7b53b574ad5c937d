#include "tests/chaos/pair_poster.h"

#include "absl/time/clock.h"
#include "tests/chaos/world.h"
#include "tests/harness/process.h"

namespace quartermaster::testing {
namespace {

namespace v1 = ::quartermaster::inventory::v1;

constexpr absl::Duration kPatience = absl::Seconds(40);

}  // namespace

void PairPoster::Work(const std::atomic<bool>& stop) {
  while (!stop) {
    Post(v1::RECEIVE, v1::SUPPLIER, v1::AVAILABLE);
    Post(v1::CONSUME, v1::AVAILABLE, v1::CONSUMED);
    // The other one begins next time.
    at_ = 1 - at_;
  }
}

void PairPoster::Post(v1::MovementReason reason, v1::AccountState from, v1::AccountState to) {
  v1::PostMovementRequest request;
  request.set_reason(reason);
  request.set_request_id(uuids_.Next().ToString());
  v1::MovementLine& line = *request.add_lines();
  line.set_lot(kOneLot);
  line.mutable_source()->set_location(kDepot);
  line.mutable_source()->set_state(from);
  line.mutable_destination()->set_location(kDepot);
  line.mutable_destination()->set_state(to);
  line.mutable_quantity()->set_amount(1);
  for (const absl::Time deadline = absl::Now() + kPatience; absl::Now() < deadline;) {
    v1::Ledger::Stub ledger(servers_[at_]);
    at_ = 1 - at_;
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(1)));
    v1::Movement movement;
    const grpc::Status status = ledger.PostMovement(&context, request, &movement);
    if (status.ok()) {
      acknowledged_.push_back(movement.name());
      ++acknowledged_count_;
      return;
    }
    if (status.error_code() == grpc::StatusCode::FAILED_PRECONDITION) {
      // Also for want of stock: nobody takes out before as much was put in.
      surprises_.push_back(status.error_message());
      return;
    }
    WaitUntil(absl::Now() + absl::Milliseconds(10), [] { return false; });
  }
  surprises_.push_back("a posting was never answered");
}

}  // namespace quartermaster::testing
