#include "tests/chaos/clerk.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/clock.h"
#include "platform/base/uuid.h"
#include "tests/chaos/world.h"
#include "tests/harness/process.h"

namespace quartermaster::testing {
namespace {

namespace v1 = ::quartermaster::inventory::v1;

// How long a clerk waits for one answer, and for all of them.
constexpr absl::Duration kAttemptMax = absl::Seconds(4);
constexpr absl::Duration kPatience = absl::Seconds(30);

std::string NewRequestId() {
  static const base::SystemClock clock;
  static base::UuidSource uuids(clock);
  return uuids.Next().ToString();
}

// Tells whether the answer says that this attempt wrote nothing and that asking again is of no use.
bool IsRefusal(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::NOT_FOUND:
    case grpc::StatusCode::ALREADY_EXISTS:
    case grpc::StatusCode::PERMISSION_DENIED:
    case grpc::StatusCode::UNAUTHENTICATED:
      return true;
    default:
      return false;
  }
}

AskedLine ToAsked(const v1::MovementLine& line) {
  return {.lot = line.lot(),
          .source = line.source().location(),
          .source_state = line.source().state(),
          .destination = line.destination().location(),
          .destination_state = line.destination().state(),
          .base_quantity = line.quantity().amount()};
}

void AddLine(v1::PostMovementRequest& request, const std::string& lot, const std::string& source,
             v1::AccountState source_state, const std::string& destination,
             v1::AccountState destination_state, int64_t amount) {
  v1::MovementLine& line = *request.add_lines();
  line.set_lot(lot);
  line.mutable_source()->set_location(source);
  line.mutable_source()->set_state(source_state);
  line.mutable_destination()->set_location(destination);
  line.mutable_destination()->set_state(destination_state);
  line.mutable_quantity()->set_amount(amount);
}

}  // namespace

Clerk::Clerk(std::string subject, std::string token, std::shared_ptr<grpc::Channel> channel,
             HistoryWriter& history, uint64_t seed)
    : subject_(std::move(subject)),
      token_(std::move(token)),
      ledger_(v1::Ledger::NewStub(std::move(channel))),
      history_(history),
      random_(seed) {}

void Clerk::Work(const std::atomic<bool>& stop) {
  while (!stop) {
    const auto posted = Post(NextPost(), absl::Now() + kPatience, /*may_give_up=*/true);
    if (!posted.has_value()) continue;
    if (OneIn(6)) RepeatLast(absl::Now() + kPatience);
    if (OneIn(8)) Reverse(*posted, absl::Now() + kPatience);
  }
}

std::optional<v1::Movement> Clerk::Receive(int64_t amount, absl::Time deadline) {
  v1::PostMovementRequest request;
  request.set_reason(v1::RECEIVE);
  request.set_request_id(NewRequestId());
  AddLine(request, kOneLot, kDepot, v1::SUPPLIER, kDepot, v1::AVAILABLE, amount);
  return Post(request, deadline, /*may_give_up=*/false);
}

std::optional<v1::Movement> Clerk::RepeatLast(absl::Time deadline) {
  const v1::PostMovementRequest request = *last_request_;
  const v1::Movement first = *last_movement_;
  const auto again = AskUntilAnswered(
      "",
      [&](grpc::ClientContext& context, v1::Movement& movement) {
        return ledger_->PostMovement(&context, request, &movement);
      },
      deadline, /*may_give_up=*/false);
  if (again.has_value() && again->SerializeAsString() != first.SerializeAsString()) {
    contradictions_.push_back(
        absl::StrCat(first.ShortDebugString(), " and then ", again->ShortDebugString()));
  }
  return again;
}

// Little is there and much is asked for, so that about half of what goes out is refused.
v1::PostMovementRequest Clerk::NextPost() {
  const std::string here = OneIn(2) ? kDepot : kShelf;
  const std::string there = here == kDepot ? kShelf : kDepot;
  const std::string lot = OneIn(2) ? kOneLot : kOtherLot;
  const auto amount = static_cast<int64_t>(1 + random_() % 5);
  v1::PostMovementRequest request;
  request.set_request_id(NewRequestId());
  switch (random_() % 4) {
    case 0:
    case 1:
      request.set_reason(v1::RECEIVE);
      AddLine(request, lot, here, v1::SUPPLIER, here, v1::AVAILABLE, amount);
      // Whole or not at all: both places, or none.
      if (OneIn(2)) AddLine(request, lot, there, v1::DONOR, there, v1::AVAILABLE, amount + 1);
      break;
    case 2:
      request.set_reason(v1::RELOCATE);
      AddLine(request, lot, here, v1::AVAILABLE, there, v1::AVAILABLE, amount);
      break;
    default:
      request.set_reason(v1::CONSUME);
      AddLine(request, lot, here, v1::AVAILABLE, here, v1::CONSUMED, amount);
      if (OneIn(2)) AddLine(request, lot, there, v1::AVAILABLE, there, v1::CONSUMED, amount);
  }
  return request;
}

std::optional<v1::Movement> Clerk::Post(const v1::PostMovementRequest& request, absl::Time deadline,
                                        bool may_give_up) {
  AskedMovement asked{.caller = absl::StrCat("persons/", subject_),
                      .request_id = request.request_id(),
                      .reason = request.reason()};
  for (const v1::MovementLine& line : request.lines()) asked.lines.push_back(ToAsked(line));
  history_.Asked(asked);
  auto posted = AskUntilAnswered(
      request.request_id(),
      [&](grpc::ClientContext& context, v1::Movement& movement) {
        return ledger_->PostMovement(&context, request, &movement);
      },
      deadline, may_give_up);
  if (posted.has_value()) {
    last_request_ = request;
    last_movement_ = posted;
  }
  return posted;
}

std::optional<v1::Movement> Clerk::Reverse(const v1::Movement& movement, absl::Time deadline) {
  v1::ReverseMovementRequest request;
  request.set_name(movement.name());
  request.set_note("posted by mistake");
  request.set_request_id(NewRequestId());
  AskedMovement asked{.caller = absl::StrCat("persons/", subject_),
                      .request_id = request.request_id(),
                      .reason = v1::REVERSE};
  for (int i = movement.lines_size() - 1; i >= 0; --i) {
    AskedLine line = ToAsked(movement.lines(i));
    std::swap(line.source, line.destination);
    std::swap(line.source_state, line.destination_state);
    asked.lines.push_back(line);
  }
  history_.Asked(asked);
  return AskUntilAnswered(
      request.request_id(),
      [&](grpc::ClientContext& context, v1::Movement& reversal) {
        return ledger_->ReverseMovement(&context, request, &reversal);
      },
      deadline, /*may_give_up=*/true);
}

// An empty request id is a repetition, of which the history knows already.
template <typename Ask>
std::optional<v1::Movement> Clerk::AskUntilAnswered(const std::string& request_id, Ask ask,
                                                    absl::Time deadline, bool may_give_up) {
  for (int attempt = 0; absl::Now() < deadline; ++attempt) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", absl::StrCat("Bearer ", token_));
    context.set_deadline(absl::ToChronoTime(std::min(deadline, absl::Now() + kAttemptMax)));
    v1::Movement movement;
    const grpc::Status status = ask(context, movement);
    if (status.ok()) {
      if (!request_id.empty()) {
        history_.Acknowledged(request_id, movement.name());
        ++counts_.acknowledged;
        if (attempt > 0) ++counts_.acknowledged_late;
      }
      return movement;
    }
    if (IsRefusal(status)) {
      if (request_id.empty()) {
        contradictions_.push_back(absl::StrCat("acknowledged, and then: ", status.error_message()));
      } else if (attempt == 0) {
        history_.Refused(request_id, status.error_message());
        ++counts_.refused;
      } else {
        // An attempt before may still be at work: a refusal of this one says nothing of that.
        ++counts_.open;
      }
      return std::nullopt;
    }
    ++troubles_[absl::StrCat("code ", static_cast<int>(status.error_code()), " ",
                             status.error_message())];
    if (may_give_up && OneIn(5)) break;
    WaitUntil(absl::Now() + absl::Milliseconds(20), [] { return false; });
  }
  if (!request_id.empty()) ++counts_.open;
  return std::nullopt;
}

}  // namespace quartermaster::testing
