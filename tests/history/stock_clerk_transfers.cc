// What a clerk does with transfers.

#include <utility>

#include "tests/history/stock_clerk.h"

namespace quartermaster::testing {
namespace {

namespace v1 = ::quartermaster::inventory::v1;

// What a transfer says of itself when nothing has arrived.
v1::Transfer Shows(const SentTransfer& transfer, v1::TransferState state) {
  v1::Transfer shows;
  shows.set_name(transfer.name);
  shows.set_state(state);
  shows.add_lines()->set_base_quantity(transfer.quantity);
  return shows;
}

// What it says when it has arrived.
v1::Transfer Shows(const SentTransfer& transfer, v1::TransferState state, int64_t damaged,
                   int64_t short_quantity) {
  v1::Transfer shows = Shows(transfer, state);
  v1::TransferLine& line = *shows.mutable_lines(0);
  line.set_accepted(transfer.quantity - damaged - short_quantity);
  line.set_damaged(damaged);
  line.set_short_(short_quantity);
  return shows;
}

// Adds a step if anything moves by it.
void AddStep(std::vector<StockStep>& steps, int source, int destination, int64_t quantity) {
  if (quantity > 0) steps.push_back({source, destination, quantity});
}

}  // namespace

int64_t StockClerk::PartOf(int64_t quantity) {
  if (!OneIn(3)) return 0;
  return static_cast<int64_t>(random_() % static_cast<uint64_t>(quantity + 1));
}

void StockClerk::Dispatch(StockItem& item, int source, int64_t quantity) {
  const std::shared_ptr<SentTransfer> transfer = item.BeginTransfer();
  if (transfer == nullptr) return;
  transfer->source = source;
  transfer->destination = 1 - source;
  transfer->quantity = quantity;
  v1::CreateTransferRequest draft;
  draft.set_source(item.location(transfer->source));
  draft.set_destination(item.location(transfer->destination));
  v1::TransferLine& line = *draft.add_lines();
  line.set_lot(item.lot());
  line.mutable_quantity()->set_amount(quantity);
  draft.set_request_id(MakeRequestId());
  v1::Transfer drafted;
  if (!CallOnce(draft, drafted)) return;
  transfer->name = drafted.name();
  auto request = std::make_shared<v1::DispatchTransferRequest>();
  request->set_name(drafted.name());
  request->set_etag(drafted.etag());
  request->set_request_id(MakeRequestId());
  const auto dispatched =
      Ask(item,
          {{Available(source), OnTheRoadTo(transfer->destination), quantity},
           {kOutside, OnItsWay(transfer->slot), 1}},
          {.request = request, .transfer = transfer, .shows = Shows(*transfer, v1::ON_THE_WAY)});
  if (!dispatched.has_value()) return;
  item.HandOver(std::make_shared<WaitingTransfer>(WaitingTransfer{
      .transfer = transfer, .etag = dispatched->etag, .barred = {options_.caller}}));
}

bool StockClerk::TakeStep(StockItem& item) {
  const std::shared_ptr<const WaitingTransfer> waiting = item.FindWaiting(options_.caller);
  if (waiting == nullptr) return false;
  if (OneIn(4)) Look(item, *waiting->transfer);
  if (waiting->has_arrived) {
    Resolve(item, waiting);
  } else {
    Receive(item, waiting);
  }
  if (OneIn(4)) Look(item, *waiting->transfer);
  return true;
}

void StockClerk::Receive(StockItem& item, const std::shared_ptr<const WaitingTransfer>& waiting) {
  const SentTransfer& transfer = *waiting->transfer;
  const int64_t damaged = PartOf(transfer.quantity);
  const int64_t short_quantity = PartOf(transfer.quantity - damaged);
  const int64_t accepted = transfer.quantity - damaged - short_quantity;
  auto request = std::make_shared<v1::ConfirmTransferReceiptRequest>();
  request->set_name(transfer.name);
  request->set_etag(waiting->etag);
  request->set_request_id(MakeRequestId());
  // Without lines all has arrived in good order.
  if (accepted != transfer.quantity || OneIn(2)) {
    v1::ReceiptLine& line = *request->add_lines();
    line.set_line(1);
    line.set_accepted(accepted);
    line.set_damaged(damaged);
    line.set_short_(short_quantity);
  }
  const bool is_short = short_quantity > 0;
  std::vector<StockStep> steps = {
      {OnItsWay(transfer.slot), is_short ? Short(transfer.slot) : Closed(transfer.slot), 1}};
  const int road = OnTheRoadTo(transfer.destination);
  AddStep(steps, road, Available(transfer.destination), accepted);
  AddStep(steps, road, Quarantine(transfer.destination), damaged);
  const auto received =
      Ask(item, std::move(steps),
          {.request = request,
           .transfer = waiting->transfer,
           .waiting = waiting,
           .shows = Shows(transfer, is_short ? v1::PARTIALLY_RECEIVED : v1::CLOSED, damaged,
                          short_quantity)});
  if (!received.has_value()) return;
  item.TakeOut(*waiting);
  ++received_count_;
  if (!is_short) return item.Close(transfer);
  auto rest = std::make_shared<WaitingTransfer>(*waiting);
  rest->etag = received->etag;
  rest->barred.push_back(options_.caller);
  rest->has_arrived = true;
  rest->damaged = damaged;
  rest->short_quantity = short_quantity;
  item.HandOver(std::move(rest));
}

void StockClerk::Resolve(StockItem& item, const std::shared_ptr<const WaitingTransfer>& waiting) {
  const SentTransfer& transfer = *waiting->transfer;
  const int64_t lost = PartOf(waiting->short_quantity);
  const int64_t returned = PartOf(waiting->short_quantity - lost);
  const int64_t found = waiting->short_quantity - lost - returned;
  auto request = std::make_shared<v1::ResolveTransferVarianceRequest>();
  request->set_name(transfer.name);
  request->set_etag(waiting->etag);
  request->set_note("counted again");
  request->set_request_id(MakeRequestId());
  v1::VarianceLine& line = *request->add_lines();
  line.set_line(1);
  line.set_found(found);
  line.set_returned(returned);
  line.set_lost(lost);
  std::vector<StockStep> steps = {{Short(transfer.slot), Closed(transfer.slot), 1}};
  const int road = OnTheRoadTo(transfer.destination);
  AddStep(steps, road, Available(transfer.destination), found);
  AddStep(steps, road, Available(transfer.source), returned);
  AddStep(steps, road, kOutside, lost);
  const auto resolved =
      Ask(item, std::move(steps),
          {.request = request,
           .transfer = waiting->transfer,
           .waiting = waiting,
           .shows = Shows(transfer, v1::CLOSED, waiting->damaged, waiting->short_quantity)});
  if (!resolved.has_value()) return;
  item.TakeOut(*waiting);
  ++resolved_count_;
  item.Close(transfer);
}

void StockClerk::Look(StockItem& item, const SentTransfer& transfer) {
  v1::GetTransferRequest request;
  request.set_name(transfer.name);
  Operation read{.kind = Operation::Kind::kRead,
                 .outcome = Operation::Outcome::kDone,
                 .asker = options_.name,
                 .invoke_time = HistoryRecorder::Now(),
                 .first_account = OnItsWay(transfer.slot)};
  v1::Transfer told;
  if (!CallOnce(request, told)) return;
  read.return_time = HistoryRecorder::Now();
  const auto is = [&](v1::TransferState state) { return told.state() == state ? 1 : 0; };
  read.amounts = {is(v1::ON_THE_WAY), is(v1::PARTIALLY_RECEIVED),
                  transfer.closed_before + is(v1::CLOSED)};
  item.recorder().Add(std::move(read));
  ++answer_count_;
}

}  // namespace quartermaster::testing
