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

std::string CallerName(const Person& person) { return absl::StrCat("persons/", person.subject); }

// What the history keeps of an answer.
std::string AnswerName(const v1::Movement& movement) { return movement.name(); }
std::string AnswerName(const v1::Transfer& transfer) {
  return absl::StrCat(transfer.name(), "@", transfer.etag());
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

Clerk::Clerk(Person self, Person colleague, const std::shared_ptr<grpc::Channel>& channel,
             HistoryWriter& history, uint64_t seed)
    : self_(std::move(self)),
      colleague_(std::move(colleague)),
      ledger_(v1::Ledger::NewStub(channel)),
      transfers_(v1::Transfers::NewStub(channel)),
      history_(history),
      random_(seed) {}

void Clerk::Work(const std::atomic<bool>& stop) {
  while (!stop) {
    if (OneIn(6)) SendTransfer(absl::Now() + kPatience);
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
  const auto again =
      AskUntilAnswered<v1::Movement>({.person = self_, .request_id = "", .deadline = deadline},
                                     [&](grpc::ClientContext& context, v1::Movement& movement) {
                                       return ledger_->PostMovement(&context, request, &movement);
                                     });
  if (again.has_value() && again->SerializeAsString() != first.SerializeAsString()) {
    contradictions_.push_back(
        absl::StrCat(first.ShortDebugString(), " and then ", again->ShortDebugString()));
  }
  return again;
}

// Little is there and much is asked for, so that part of what goes out is refused.
v1::PostMovementRequest Clerk::NextPost() {
  const std::string here = OneIn(2) ? kDepot : kShelf;
  const std::string there = here == kDepot ? kShelf : kDepot;
  const std::string lot = OneIn(2) ? kOneLot : kOtherLot;
  const auto amount = static_cast<int64_t>(1 + random_() % 5);
  v1::PostMovementRequest request;
  request.set_request_id(NewRequestId());
  switch (random_() % 4) {
    case 0:
      request.set_reason(v1::RECEIVE);
      AddLine(request, lot, here, v1::SUPPLIER, here, v1::AVAILABLE, amount);
      // Whole or not at all: both places, or none.
      if (OneIn(2)) AddLine(request, lot, there, v1::DONOR, there, v1::AVAILABLE, amount + 1);
      break;
    case 1:
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
  AskedMovement asked;
  asked.caller = CallerName(self_);
  asked.request_id = request.request_id();
  asked.reason = request.reason();
  for (const v1::MovementLine& line : request.lines()) asked.lines.push_back(ToAsked(line));
  history_.Asked(asked);
  auto posted =
      AskUntilAnswered<v1::Movement>({.person = self_,
                                      .request_id = request.request_id(),
                                      .deadline = deadline,
                                      .may_give_up = may_give_up},
                                     [&](grpc::ClientContext& context, v1::Movement& movement) {
                                       return ledger_->PostMovement(&context, request, &movement);
                                     });
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
  AskedMovement asked;
  asked.caller = CallerName(self_);
  asked.request_id = request.request_id();
  asked.reason = v1::REVERSE;
  for (int i = movement.lines_size() - 1; i >= 0; --i) {
    AskedLine line = ToAsked(movement.lines(i));
    std::swap(line.source, line.destination);
    std::swap(line.source_state, line.destination_state);
    asked.lines.push_back(line);
  }
  history_.Asked(asked);
  return AskUntilAnswered<v1::Movement>({.person = self_,
                                         .request_id = request.request_id(),
                                         .deadline = deadline,
                                         .may_give_up = true},
                                        [&](grpc::ClientContext& context, v1::Movement& reversal) {
                                          return ledger_->ReverseMovement(&context, request,
                                                                          &reversal);
                                        });
}

void Clerk::SendTransfer(absl::Time deadline) {
  v1::CreateTransferRequest draft;
  draft.set_source(OneIn(2) ? kDepot : kShelf);
  draft.set_destination(draft.source() == kDepot ? kShelf : kDepot);
  v1::TransferLine& line = *draft.add_lines();
  line.set_lot(OneIn(2) ? kOneLot : kOtherLot);
  line.mutable_quantity()->set_amount(static_cast<int64_t>(2 + random_() % 3));
  const auto drafted = Change(self_, &v1::Transfers::Stub::CreateTransfer, draft, deadline);
  if (!drafted.has_value()) return;

  v1::DispatchTransferRequest dispatch;
  dispatch.set_name(drafted->name());
  dispatch.set_etag(drafted->etag());
  const auto sent = Change(self_, &v1::Transfers::Stub::DispatchTransfer, dispatch, deadline);
  if (!sent.has_value()) return;

  v1::ConfirmTransferReceiptRequest receipt;
  receipt.set_name(sent->name());
  receipt.set_etag(sent->etag());
  if (OneIn(3)) {
    // One is damaged and one is missing: that one stays on the road.
    v1::ReceiptLine& told = *receipt.add_lines();
    told.set_line(1);
    told.set_damaged(1);
    told.set_short_(1);
    told.set_accepted(line.quantity().amount() - 2);
  }
  Change(colleague_, &v1::Transfers::Stub::ConfirmTransferReceipt, receipt, deadline);
}

template <typename Request>
std::optional<v1::Transfer> Clerk::Change(const Person& person,
                                          grpc::Status (v1::Transfers::Stub::*method)(
                                              grpc::ClientContext*, const Request&, v1::Transfer*),
                                          Request request, absl::Time deadline) {
  request.set_request_id(NewRequestId());
  history_.Asked(AskedRequest{.caller = CallerName(person), .request_id = request.request_id()});
  return AskUntilAnswered<v1::Transfer>({.person = person,
                                         .request_id = request.request_id(),
                                         .deadline = deadline,
                                         .may_give_up = true},
                                        [&](grpc::ClientContext& context, v1::Transfer& transfer) {
                                          return (transfers_.get()->*method)(&context, request,
                                                                             &transfer);
                                        });
}

template <typename Response, typename Ask>
std::optional<Response> Clerk::AskUntilAnswered(const Asking& asking, Ask ask) {
  const bool is_repetition = asking.request_id.empty();
  for (int attempt = 0; absl::Now() < asking.deadline; ++attempt) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", absl::StrCat("Bearer ", asking.person.token));
    // A call that fails at once does not drive its channel's reconnection; one that waits does.
    context.set_wait_for_ready(true);
    context.set_deadline(absl::ToChronoTime(std::min(asking.deadline, absl::Now() + kAttemptMax)));
    Response response;
    const grpc::Status status = ask(context, response);
    if (status.ok()) {
      if (is_repetition) return response;
      history_.Acknowledged(asking.request_id, AnswerName(response));
      ++counts_.acknowledged;
      if (attempt > 0) ++counts_.acknowledged_late;
      return response;
    }
    if (IsRefusal(status)) {
      if (is_repetition) {
        contradictions_.push_back(absl::StrCat("acknowledged, and then: ", status.error_message()));
      } else if (attempt == 0) {
        history_.Refused(asking.request_id, status.error_message());
        ++counts_.refused;
      } else {
        // An attempt before may still be at work: a refusal of this one says nothing of that.
        ++counts_.open;
      }
      return std::nullopt;
    }
    ++troubles_[absl::StrCat("code ", static_cast<int>(status.error_code()), " ",
                             status.error_message())];
    if (asking.may_give_up && OneIn(5)) break;
    WaitUntil(absl::Now() + absl::Milliseconds(20), [] { return false; });
  }
  if (!is_repetition) ++counts_.open;
  return std::nullopt;
}

}  // namespace quartermaster::testing
