#include "tests/history/stock_clerk.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/clock.h"
#include "platform/base/status_macros.h"
#include "platform/base/uuid.h"
#include "platform/status/error.h"
#include "tests/harness/process.h"

namespace quartermaster::testing {
namespace {

namespace v1 = ::quartermaster::inventory::v1;
using google::protobuf::Message;

// What one clerk leaves open at a time: every open posting doubles what the check must look at.
constexpr size_t kOpenMax = 2;
// More balances than an item has.
constexpr int kPageSize = 1000;

// Tells that a transfer is not what it was when its etag was read.
bool SaysItHasChanged(const absl::Status& status) {
  const std::string reason(status::GetReason(status));
  return reason == "ETAG_MISMATCH" || reason == "STATE_NOT_ALLOWED";
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
    case absl::StatusCode::kDataLoss:
      return false;
    default:
      return !SaysItHasChanged(status);
  }
}

int64_t NumberOf(const absl::Status& status, const std::string& key) {
  int64_t number = -1;
  for (const auto& [name, value] : status::GetErrorDetail(status).metadata) {
    if (name == key && !absl::SimpleAtoi(value, &number)) return -1;
  }
  return number;
}

std::shared_ptr<v1::PostMovementRequest> ToRequest(const StockItem& item, v1::MovementReason reason,
                                                   const std::vector<StockStep>& steps) {
  auto request = std::make_shared<v1::PostMovementRequest>();
  request->set_reason(reason);
  request->set_request_id(MakeRequestId());
  for (const StockStep& step : steps) {
    v1::MovementLine& line = *request->add_lines();
    line.set_lot(item.lot());
    line.mutable_quantity()->set_amount(step.quantity);
    const int inside = step.source == kOutside ? step.destination : step.source;
    const auto place = [&](int account, v1::AccountState outside, v1::Account& end) {
      end.set_location(item.location(account == kOutside ? inside : account));
      end.set_state(account == kOutside ? outside : v1::AVAILABLE);
    };
    place(step.source, v1::SUPPLIER, *line.mutable_source());
    place(step.destination, v1::CONSUMED, *line.mutable_destination());
  }
  return request;
}

// Returns the account that the books tell of; nothing for one that no clerk uses.
std::optional<int> AccountOf(const StockItem& item, const v1::Account& account) {
  const std::optional<int> place = item.FindPlace(account.location());
  if (!place.has_value()) return std::nullopt;
  switch (account.state()) {
    case v1::AVAILABLE:
      return Available(*place);
    case v1::QUARANTINE:
      return Quarantine(*place);
    case v1::IN_TRANSIT:
      return OnTheRoadTo(*place);
    default:
      return std::nullopt;
  }
}

// Tells whether a transfer stands where it should, and says of its line what it should.
bool ShowsTheSame(const v1::Transfer& transfer, const v1::Transfer& expected) {
  if (transfer.name() != expected.name() || transfer.state() != expected.state() ||
      transfer.lines_size() != 1) {
    return false;
  }
  const v1::TransferLine& line = transfer.lines(0);
  const v1::TransferLine& told = expected.lines(0);
  return line.base_quantity() == told.base_quantity() && line.accepted() == told.accepted() &&
         line.damaged() == told.damaged() && line.short_() == told.short_();
}

}  // namespace

std::string MakeRequestId() {
  static const base::SystemClock clock;
  static base::UuidSource uuids(clock);
  return uuids.Next().ToString();
}

StockClerk::StockClerk(Options options, std::vector<std::unique_ptr<StockDoor>> doors,
                       std::string unit, StockItems& items)
    : options_(std::move(options)),
      doors_(std::move(doors)),
      unit_(std::move(unit)),
      items_(items),
      random_(options_.seed),
      answers_by_door_(doors_.size(), 0) {}

void StockClerk::Work(const std::atomic<bool>& stop) {
  while (!stop) {
    StockItem* const item = ChooseItem();
    if (item == nullptr) return;
    if (OneIn(3)) {
      Read(*item, absl::Now() + options_.attempt_max);
    } else {
      DoSomething(*item);
    }
  }
}

bool StockClerk::Settle(absl::Time deadline) {
  for (Asking& asking : open_) {
    Written written;
    while (AskOnce(asking, written) == Answer::kNone) {
      if (absl::Now() > deadline) return false;
    }
  }
  open_.clear();
  return true;
}

absl::Status StockClerk::Call(const Message& request, Message& response) {
  const size_t door = call_count_++ / 4 % doors_.size();
  absl::Status status = doors_[door]->Call(request, absl::Now() + options_.attempt_max, response);
  if (status.ok() || !DoesNotTell(status)) {
    ++answers_by_door_[door];
  } else {
    NoteTrouble(status);
  }
  return status;
}

bool StockClerk::CallOnce(const Message& request, Message& response) {
  const absl::Status status = Call(request, response);
  if (!status.ok() && !DoesNotTell(status)) surprises_.push_back(status.ToString());
  return status.ok();
}

bool StockClerk::Read(StockItem& item, absl::Time deadline) {
  v1::ListBalancesRequest request;
  request.set_unit(unit_);
  request.set_item(item.name());
  request.set_page_size(kPageSize);
  do {
    Operation read{.kind = Operation::Kind::kRead,
                   .outcome = Operation::Outcome::kDone,
                   .asker = options_.name,
                   .invoke_time = HistoryRecorder::Now()};
    v1::ListBalancesResponse response;
    // A read without an answer tells nothing and changes nothing.
    if (!CallOnce(request, response)) continue;
    read.return_time = HistoryRecorder::Now();
    read.amounts.assign(kBookAccountCount, 0);
    for (const v1::Balance& balance : response.balances()) {
      const std::optional<int> account = AccountOf(item, balance.account());
      if (account.has_value()) {
        read.amounts[static_cast<size_t>(*account)] += balance.base_quantity();
      } else {
        surprises_.push_back(absl::StrCat("nobody put it there: ", balance.ShortDebugString()));
      }
    }
    if (!response.next_page_token().empty()) surprises_.push_back("more balances than expected");
    item.recorder().Add(std::move(read));
    ++answer_count_;
    return true;
  } while (absl::Now() < deadline);
  return false;
}

StockItem* StockClerk::ChooseItem() {
  std::vector<StockItem*> in_use;
  for (const auto& item : items_.items) {
    if (in_use.size() < items_.in_use_max && !item->recorder().is_full()) {
      in_use.push_back(item.get());
    }
  }
  return in_use.empty() ? nullptr : in_use[random_() % in_use.size()];
}

void StockClerk::DoSomething(StockItem& item) {
  const int here = static_cast<int>(random_() % kPlaceCount);
  const int there = 1 - here;
  const auto quantity = static_cast<int64_t>(1 + random_() % 3);
  switch (random_() % 9) {
    case 0:
    case 1:
      return Post(item, v1::RECEIVE, {{kOutside, Available(here), quantity}});
    case 2:
      return Post(item, v1::RELOCATE, {{Available(here), Available(there), quantity}});
    case 3:
      // Both or neither.
      return Post(item, v1::CONSUME,
                  {{Available(here), kOutside, 1}, {Available(there), kOutside, quantity}});
    case 4:
    case 5:
      return Dispatch(item, here, quantity);
    case 6:
    case 7:
      if (TakeStep(item)) return;
      break;
    default:
      break;
  }
  Post(item, v1::CONSUME, {{Available(here), kOutside, quantity}});
}

void StockClerk::Post(StockItem& item, v1::MovementReason reason, std::vector<StockStep> steps) {
  const auto posted = Ask(item, steps, {.request = ToRequest(item, reason, steps)});
  if (posted.has_value() && OneIn(8)) Reverse(item, posted->name, std::move(steps));
}

void StockClerk::Reverse(StockItem& item, const std::string& movement,
                         std::vector<StockStep> steps) {
  auto request = std::make_shared<v1::ReverseMovementRequest>();
  request->set_name(movement);
  request->set_note("posted by mistake");
  request->set_request_id(MakeRequestId());
  for (StockStep& step : steps) std::swap(step.source, step.destination);
  Ask(item, std::move(steps), {.request = request});
}

std::optional<StockClerk::Written> StockClerk::Ask(StockItem& item, std::vector<StockStep> steps,
                                                   Asking asking) {
  asking.item = &item;
  asking.place = item.recorder().Add(
      {.asker = options_.name, .invoke_time = HistoryRecorder::Now(), .steps = std::move(steps)});
  while (true) {
    Written written;
    const Answer answer = AskOnce(asking, written);
    if (answer == Answer::kAcknowledged) return written;
    if (answer == Answer::kRefused && asking.attempt_count == 1) return std::nullopt;
    // An attempt before this one may still be at work, or it is given up for now.
    if (answer == Answer::kRefused || (open_.size() < kOpenMax && OneIn(6))) {
      open_.push_back(std::move(asking));
      return std::nullopt;
    }
  }
}

absl::StatusOr<StockClerk::Written> StockClerk::CallFor(const Asking& asking) {
  if (asking.transfer == nullptr) {
    v1::Movement movement;
    QM_RETURN_IF_ERROR(Call(*asking.request, movement));
    return Written{.name = movement.name()};
  }
  v1::Transfer transfer;
  QM_RETURN_IF_ERROR(Call(*asking.request, transfer));
  if (!ShowsTheSame(transfer, asking.shows)) {
    return absl::DataLossError(absl::StrCat("asked ", asking.request->ShortDebugString(),
                                            ", answered ", transfer.ShortDebugString()));
  }
  return Written{.name = transfer.name(), .etag = transfer.etag()};
}

StockClerk::Answer StockClerk::AskOnce(Asking& asking, Written& written) {
  const absl::Duration invoke_time = HistoryRecorder::Now();
  auto answer = CallFor(asking);
  const bool is_repetition = asking.attempt_count++ > 0;
  if (!answer.ok() && DoesNotTell(answer.status())) {
    // Who is told at once that it cannot be done now does not ask again at once.
    WaitUntil(absl::Now() + absl::Milliseconds(20), [] { return false; });
    return Answer::kNone;
  }
  ++answer_count_;
  if (is_repetition) ++late_answer_count_;
  if (!answer.ok()) return TakeRefusal(asking, answer.status(), invoke_time);
  asking.item->recorder().Acknowledge(asking.place, HistoryRecorder::Now());
  written = *std::move(answer);
  return Answer::kAcknowledged;
}

StockClerk::Answer StockClerk::TakeRefusal(Asking& asking, const absl::Status& refusal,
                                           absl::Duration invoke_time) {
  const absl::Duration return_time = HistoryRecorder::Now();
  size_t step = 0;
  int64_t available = 0;
  if (asking.waiting != nullptr && SaysItHasChanged(refusal)) {
    // It did not wait for that any more, which is the first step.
    asking.item->TakeOut(*asking.waiting);
    ++outrun_count_;
  } else {
    const int64_t line = NumberOf(refusal, "line");
    available = NumberOf(refusal, "available");
    // What is on the road suffices for what arrives.
    if (status::GetReason(refusal) != "INSUFFICIENT_STOCK" || asking.waiting != nullptr ||
        line < 1 || available < 0) {
      surprises_.push_back(refusal.ToString());
      return Answer::kRefused;
    }
    step = static_cast<size_t>(line - 1);
  }
  HistoryRecorder& recorder = asking.item->recorder();
  if (asking.attempt_count == 1) {
    recorder.Refuse(asking.place, return_time, step, available);
  } else {
    recorder.RefuseRepetition(asking.place, invoke_time, return_time, step, available);
  }
  return Answer::kRefused;
}

void StockClerk::NoteTrouble(const absl::Status& trouble) {
  ++troubles_[absl::StrCat(absl::StatusCodeToString(trouble.code()), " ", trouble.message())];
}

}  // namespace quartermaster::testing
