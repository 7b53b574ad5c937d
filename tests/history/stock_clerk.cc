#include "tests/history/stock_clerk.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/clock.h"
#include "platform/base/uuid.h"
#include "platform/rpc/status_codec.h"
#include "platform/status/error.h"
#include "tests/harness/process.h"

namespace quartermaster::testing {
namespace {

namespace v1 = ::quartermaster::inventory::v1;

// What one clerk leaves open at a time: every open posting doubles what the check must look at.
constexpr size_t kOpenMax = 2;

std::string NewRequestId() {
  static const base::SystemClock clock;
  static base::UuidSource uuids(clock);
  return uuids.Next().ToString();
}

// Tells whether an error leaves open what became of the request, or says that nothing was looked
// at.
bool DoesNotTell(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return false;
    default:
      return true;
  }
}

int64_t NumberOf(const absl::Status& status, const std::string& key) {
  int64_t number = -1;
  for (const auto& [name, value] : status::GetErrorDetail(status).metadata) {
    if (name == key && !absl::SimpleAtoi(value, &number)) return -1;
  }
  return number;
}

template <typename Resource>
absl::StatusOr<std::string> NameOf(const absl::StatusOr<Resource>& answer) {
  if (!answer.ok()) return answer.status();
  return answer->name();
}

v1::PostMovementRequest ToRequest(const HistoryRecorder& item, v1::MovementReason reason,
                                  const std::vector<StockStep>& steps) {
  v1::PostMovementRequest request;
  request.set_reason(reason);
  request.set_request_id(NewRequestId());
  for (const StockStep& step : steps) {
    v1::MovementLine& line = *request.add_lines();
    line.set_lot(absl::StrCat(item.item(), "/lots/a"));
    line.mutable_quantity()->set_amount(step.quantity);
    const int inside = step.source == kOutside ? step.destination : step.source;
    const auto place = [&](int account, v1::AccountState outside, v1::Account& end) {
      end.set_location(
          item.accounts()[static_cast<size_t>(account == kOutside ? inside : account)]);
      end.set_state(account == kOutside ? outside : v1::AVAILABLE);
    };
    place(step.source, v1::SUPPLIER, *line.mutable_source());
    place(step.destination, v1::CONSUMED, *line.mutable_destination());
  }
  return request;
}

}  // namespace

StockClerk::StockClerk(Options options, std::vector<StockDoor> doors, std::string unit,
                       StockItems& items)
    : options_(std::move(options)),
      doors_(std::move(doors)),
      unit_(std::move(unit)),
      items_(items),
      random_(options_.seed) {}

template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> StockClerk::Call(const StockDoor& door,
                                          grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                                       const Request&, Response*),
                                          const Request& request) const {
  grpc::ClientContext context;
  // A call that fails at once does not drive its channel's reconnection; one that waits does.
  context.set_wait_for_ready(true);
  context.set_deadline(absl::ToChronoTime(absl::Now() + options_.attempt_max));
  door.prepare(context);
  Stub stub(door.channel);
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (!status.ok()) return rpc::FromGrpcStatus(status);
  return response;
}

void StockClerk::Work(const std::atomic<bool>& stop) {
  while (!stop) {
    HistoryRecorder* const item = ChooseItem();
    if (item == nullptr) return;
    if (OneIn(3)) {
      Read(*item, absl::Now() + options_.attempt_max);
    } else {
      PostSomething(*item);
    }
  }
}

bool StockClerk::Settle(absl::Time deadline) {
  for (Asking& asking : open_) {
    std::string name;
    while (AskOnce(asking, name) == Answer::kNone) {
      if (absl::Now() > deadline) return false;
    }
  }
  open_.clear();
  return true;
}

bool StockClerk::Read(HistoryRecorder& item, absl::Time deadline) {
  v1::ListBalancesRequest request;
  request.set_unit(unit_);
  request.set_item(item.item());
  request.set_state(v1::AVAILABLE);
  const std::vector<std::string>& accounts = item.accounts();
  do {
    Operation read{.kind = Operation::Kind::kRead,
                   .outcome = Operation::Outcome::kDone,
                   .asker = options_.name,
                   .invoke_time = HistoryRecorder::Now()};
    const auto response = Call(NextDoor(), &v1::Ledger::Stub::ListBalances, request);
    read.return_time = HistoryRecorder::Now();
    if (!response.ok()) {
      // A read without an answer tells nothing and changes nothing.
      NoteTrouble(response.status());
      continue;
    }
    read.amounts.assign(accounts.size(), 0);
    for (const v1::Balance& balance : response->balances()) {
      const auto account = std::ranges::find(accounts, balance.account().location());
      if (account != accounts.end()) {
        read.amounts[static_cast<size_t>(account - accounts.begin())] = balance.base_quantity();
      }
    }
    item.Add(std::move(read));
    ++answer_count_;
    return true;
  } while (absl::Now() < deadline);
  return false;
}

HistoryRecorder* StockClerk::ChooseItem() {
  std::vector<HistoryRecorder*> in_use;
  for (const auto& recorder : items_.recorders) {
    if (in_use.size() < items_.in_use_max && !recorder->is_full()) in_use.push_back(recorder.get());
  }
  return in_use.empty() ? nullptr : in_use[random_() % in_use.size()];
}

void StockClerk::PostSomething(HistoryRecorder& item) {
  const int here = static_cast<int>(random_() % 2);
  const auto quantity = static_cast<int64_t>(1 + random_() % 3);
  switch (random_() % 7) {
    case 0:
    case 1:
      return Post(item, v1::RECEIVE, {{kOutside, here, quantity}});
    case 2:
      return Post(item, v1::RELOCATE, {{here, 1 - here, quantity}});
    case 3:
      // Both or neither.
      return Post(item, v1::CONSUME, {{here, kOutside, 1}, {1 - here, kOutside, quantity}});
    case 4:
      return Dispatch(item, here, quantity);
    default:
      return Post(item, v1::CONSUME, {{here, kOutside, quantity}});
  }
}

void StockClerk::Post(HistoryRecorder& item, v1::MovementReason reason,
                      std::vector<StockStep> steps) {
  const v1::PostMovementRequest request = ToRequest(item, reason, steps);
  const auto ask = [this, request](const StockDoor& door) {
    return NameOf(Call(door, &v1::Ledger::Stub::PostMovement, request));
  };
  const size_t place =
      item.Add({.asker = options_.name, .invoke_time = HistoryRecorder::Now(), .steps = steps});
  const auto posted = AskUntilAnswered({.item = &item, .place = place, .ask = ask});
  if (posted.has_value() && OneIn(8)) Reverse(item, *posted, std::move(steps));
}

void StockClerk::Reverse(HistoryRecorder& item, const std::string& movement,
                         std::vector<StockStep> steps) {
  v1::ReverseMovementRequest request;
  request.set_name(movement);
  request.set_note("posted by mistake");
  request.set_request_id(NewRequestId());
  const auto ask = [this, request](const StockDoor& door) {
    return NameOf(Call(door, &v1::Ledger::Stub::ReverseMovement, request));
  };
  for (StockStep& step : steps) std::swap(step.source, step.destination);
  const size_t place = item.Add(
      {.asker = options_.name, .invoke_time = HistoryRecorder::Now(), .steps = std::move(steps)});
  AskUntilAnswered({.item = &item, .place = place, .ask = ask});
}

void StockClerk::Dispatch(HistoryRecorder& item, int source, int64_t quantity) {
  v1::CreateTransferRequest draft;
  draft.set_source(item.accounts()[static_cast<size_t>(source)]);
  draft.set_destination(item.accounts()[static_cast<size_t>(1 - source)]);
  v1::TransferLine& line = *draft.add_lines();
  line.set_lot(absl::StrCat(item.item(), "/lots/a"));
  line.mutable_quantity()->set_amount(quantity);
  draft.set_request_id(NewRequestId());
  const auto drafted = Call(NextDoor(), &v1::Transfers::Stub::CreateTransfer, draft);
  if (!drafted.ok()) {
    NoteTrouble(drafted.status());
    if (!DoesNotTell(drafted.status())) surprises_.push_back(drafted.status().ToString());
    return;
  }
  v1::DispatchTransferRequest request;
  request.set_name(drafted->name());
  request.set_etag(drafted->etag());
  request.set_request_id(NewRequestId());
  const auto ask = [this, request](const StockDoor& door) {
    return NameOf(Call(door, &v1::Transfers::Stub::DispatchTransfer, request));
  };
  // What is on the road is in neither place.
  const size_t place = item.Add({.asker = options_.name,
                                 .invoke_time = HistoryRecorder::Now(),
                                 .steps = {{source, kOutside, quantity}}});
  AskUntilAnswered({.item = &item, .place = place, .ask = ask});
}

std::optional<std::string> StockClerk::AskUntilAnswered(Asking asking) {
  while (true) {
    std::string name;
    const Answer answer = AskOnce(asking, name);
    if (answer == Answer::kAcknowledged) return name;
    if (answer == Answer::kRefused && asking.attempt_count == 1) return std::nullopt;
    // An attempt before this one may still be at work, or it is given up for now.
    if (answer == Answer::kRefused || (open_.size() < kOpenMax && OneIn(6))) {
      open_.push_back(std::move(asking));
      return std::nullopt;
    }
  }
}

StockClerk::Answer StockClerk::AskOnce(Asking& asking, std::string& name) {
  const absl::Duration invoke_time = HistoryRecorder::Now();
  const auto answer = asking.ask(NextDoor());
  const bool is_repetition = asking.attempt_count++ > 0;
  if (!answer.ok() && DoesNotTell(answer.status())) {
    NoteTrouble(answer.status());
    // Who is told at once that it cannot be done now does not ask again at once.
    WaitUntil(absl::Now() + absl::Milliseconds(20), [] { return false; });
    return Answer::kNone;
  }
  ++answer_count_;
  if (is_repetition) ++late_answer_count_;
  if (!answer.ok()) return TakeRefusal(asking, answer.status(), invoke_time);
  asking.item->Acknowledge(asking.place, HistoryRecorder::Now());
  name = *answer;
  return Answer::kAcknowledged;
}

StockClerk::Answer StockClerk::TakeRefusal(Asking& asking, const absl::Status& refusal,
                                           absl::Duration invoke_time) {
  const absl::Duration return_time = HistoryRecorder::Now();
  const int64_t line = NumberOf(refusal, "line");
  const int64_t available = NumberOf(refusal, "available");
  if (status::GetReason(refusal) != "INSUFFICIENT_STOCK" || line < 1 || available < 0) {
    surprises_.push_back(refusal.ToString());
    return Answer::kRefused;
  }
  const auto step = static_cast<size_t>(line - 1);
  if (asking.attempt_count == 1) {
    asking.item->Refuse(asking.place, return_time, step, available);
  } else {
    asking.item->RefuseRepetition(asking.place, invoke_time, return_time, step, available);
  }
  return Answer::kRefused;
}

void StockClerk::NoteTrouble(const absl::Status& trouble) {
  ++troubles_[absl::StrCat(absl::StatusCodeToString(trouble.code()), " ", trouble.message())];
}

}  // namespace quartermaster::testing
