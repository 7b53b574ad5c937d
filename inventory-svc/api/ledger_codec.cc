#include "inventory-svc/api/ledger_codec.h"

#include <algorithm>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "inventory-svc/api/fields.h"
#include "inventory-svc/domain/names.h"
#include "inventory-svc/domain/posting_rules.h"
#include "platform/base/status_macros.h"
#include "platform/rpc/page_token.h"
#include "platform/rpc/parse.h"

namespace quartermaster::inventory {
namespace {

using rpc::ElementPath;
using rpc::FieldErrors;
using rpc::FieldPath;
using rpc::Quoted;

constexpr char kLocation[] = "units/{unit}/locations/{location}";
constexpr char kLot[] = "items/{item}/lots/{lot}";
constexpr char kItem[] = "items/{item}";
constexpr char kUnit[] = "units/{unit}";
constexpr int kBatchMax = 100;
// What is posted is answered whole, and an answer has to stay below four megabytes.
constexpr int64_t kBatchLinesMax = 5000;
constexpr int kExpiringDaysDefault = 30;
constexpr int kExpiringDaysMax = 3650;
constexpr rpc::PageSizes kPages;
// The situation of forty units is one page. With the longest names and numbers there are, so many
// lines are 2.3 MB: callers take 4 MiB unless they are told to take more.
constexpr rpc::PageSizes kStockPages = {.default_size = 10'000, .size_max = 10'000};

std::string ParseOptionalName(absl::string_view field, absl::string_view pattern,
                              const std::string& value, FieldErrors& errors) {
  return value.empty() ? value : rpc::ParseResourceName(field, pattern, value, errors);
}

Account ParseAccount(const std::string& path, const pb::Account& account, FieldErrors& errors) {
  if (!account.holder().empty()) {
    errors.Add(FieldPath(path, "holder"),
               "is set by documents; goods held for one move by the document alone");
  }
  return {.location = rpc::ParseResourceName(FieldPath(path, "location"), kLocation,
                                             account.location(), errors),
          .state = rpc::ParseEnumValue<State>(FieldPath(path, "state"), account.state(), errors)};
}

// What pages of one list have in common: the request without what differs from page to page.
template <typename Request>
std::string QueryOf(Request request) {
  request.clear_page_token();
  request.clear_page_size();
  return absl::StrCat(Request::descriptor()->full_name(), "\n", request.SerializeAsString());
}

// Where the next page of balances begins, and which records all pages rest on.
std::string PositionAfter(BalanceId id, const std::optional<Moment>& moment) {
  return moment.has_value() ? absl::StrCat(ToNumber(id), "@", moment->sequence)
                            : absl::StrCat(ToNumber(id));
}

void ParsePosition(const std::string& position, BalanceId& after,
                   std::optional<int64_t>& sequence) {
  const std::vector<std::string> parts = absl::StrSplit(position, '@');
  uint32_t id = 0;
  int64_t number = 0;
  if (absl::SimpleAtoi(parts[0], &id)) after = BalanceId{id};
  if (parts.size() == 2 && absl::SimpleAtoi(parts[1], &number)) sequence = number;
}

}  // namespace

absl::StatusOr<PostMovementCommand> ParsePostMovement(const pb::PostMovementRequest& request) {
  FieldErrors errors;
  PostMovementCommand command;
  command.reason = rpc::ParseEnumValue<Reason>("reason", request.reason(), errors);
  if (request.lines().empty() || request.lines_size() > kMovementLinesMax) {
    errors.Add("lines", absl::StrCat(request.lines_size(), " lines; a movement has 1 to ",
                                     kMovementLinesMax));
  } else {
    for (int i = 0; i < request.lines_size(); ++i) {
      const std::string path = ElementPath("lines", i);
      const pb::MovementLine& line = request.lines(i);
      command.lines.push_back(
          {.lot = rpc::ParseResourceName(FieldPath(path, "lot"), kLot, line.lot(), errors),
           .source = ParseAccount(FieldPath(path, "source"), line.source(), errors),
           .destination = ParseAccount(FieldPath(path, "destination"), line.destination(), errors),
           .quantity = ParseQuantity(FieldPath(path, "quantity"), line.quantity(), errors)});
    }
  }
  if (request.has_occurred_time()) {
    command.occurred_time =
        rpc::ParseTimestamp("occurred_time", request.occurred_time(), {}, errors);
  }
  if (request.has_source_document()) {
    command.source_document = ParseSourceDocument(request.source_document(), errors);
  }
  command.note =
      rpc::ParseText("note", request.note(), {.length_max = 500, .is_multiline = true}, errors);
  command.request_id = rpc::ParseUuid("request_id", request.request_id(), errors);
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return command;
}

absl::StatusOr<ReverseMovementCommand> ParseReverseMovement(
    const pb::ReverseMovementRequest& request) {
  FieldErrors errors;
  ReverseMovementCommand command;
  command.movement_id = rpc::ParseUuidName("name", "movements", request.name(), errors);
  command.note = rpc::ParseText("note", request.note(),
                                {.length_min = 1, .length_max = 500, .is_multiline = true}, errors);
  command.request_id = rpc::ParseUuid("request_id", request.request_id(), errors);
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return command;
}

absl::StatusOr<GetMovementCommand> ParseGetMovement(const pb::GetMovementRequest& request) {
  FieldErrors errors;
  GetMovementCommand command{
      .movement_id = rpc::ParseUuidName("name", "movements", request.name(), errors),
      .as_of = ParseAsOf(request.as_of(), errors)};
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return command;
}

absl::StatusOr<ListMovementsCommand> ParseListMovements(const pb::ListMovementsRequest& request) {
  FieldErrors errors;
  ListMovementsCommand command{
      .unit = rpc::ParseResourceName("unit", kUnit, request.unit(), errors),
      .item = ParseOptionalName("item", kItem, request.item(), errors),
      .page_size = rpc::ParsePageSize(request.page_size(), kPages, errors),
      .as_of = ParseAsOf(request.as_of(), errors)};
  ParsePosition(rpc::ParsePageToken(request.page_token(), QueryOf(request), errors), command.before,
                command.sequence);
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return command;
}

absl::StatusOr<CreateLotCommand> ParseCreateLot(const pb::CreateLotRequest& request) {
  FieldErrors errors;
  const pb::Lot& lot = request.lot();
  const std::string item = rpc::ParseResourceName("parent", kItem, request.parent(), errors);
  const std::string lot_id = rpc::ParseResourceId("lot_id", request.lot_id(), errors);
  CreateLotCommand command;
  command.lot.name = absl::StrCat(item, "/lots/", lot_id);
  command.lot.origin = rpc::ParseEnumValue<Lot::Origin>("lot.origin", lot.origin(), errors);
  command.lot.origin_reference =
      rpc::ParseText("lot.origin_reference", lot.origin_reference(), {.length_max = 120}, errors);
  command.lot.owner = rpc::ParseResourceName("lot.owner", kUnit, lot.owner(), errors);
  command.lot.expiry_date = rpc::ParseOptionalDate("lot.expiry_date", lot.expiry_date(), errors);
  command.request_id = rpc::ParseUuid("request_id", request.request_id(), errors);
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return command;
}

absl::StatusOr<std::string> ParseGetLot(const pb::GetLotRequest& request) {
  FieldErrors errors;
  std::string name = rpc::ParseResourceName("name", kLot, request.name(), errors);
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return name;
}

absl::StatusOr<ListLotsCommand> ParseListLots(const pb::ListLotsRequest& request) {
  FieldErrors errors;
  ListLotsCommand command{.item = rpc::ParseResourceName("parent", kItem, request.parent(), errors),
                          .page_size = rpc::ParsePageSize(request.page_size(), kPages, errors)};
  const std::vector<std::string> position =
      absl::StrSplit(rpc::ParsePageToken(request.page_token(), QueryOf(request), errors), '/');
  if (position.size() == 2) {
    command.after_expiry = rpc::ParseOptionalDate("page_token", position[0], errors);
    command.after_name = rpc::ParseResourceId("page_token", position[1], errors);
  }
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return command;
}

absl::StatusOr<ListBalancesCommand> ParseListBalances(const pb::ListBalancesRequest& request) {
  FieldErrors errors;
  ListBalancesCommand command{.unit = rpc::ParseResourceName("unit", kUnit, request.unit(), errors),
                              .item = ParseOptionalName("item", kItem, request.item(), errors),
                              .lot = ParseOptionalName("lot", kLot, request.lot(), errors),
                              .page_size = rpc::ParsePageSize(request.page_size(), kPages, errors),
                              .as_of = ParseAsOf(request.as_of(), errors)};
  if (request.state() != pb::ACCOUNT_STATE_UNSPECIFIED) {
    command.state = rpc::ParseEnumValue<State>("state", request.state(), errors);
  }
  const std::string position = rpc::ParsePageToken(request.page_token(), QueryOf(request), errors);
  ParsePosition(position, command.after, command.sequence);
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return command;
}

absl::Status CheckBatch(const pb::BatchPostMovementsRequest& request) {
  FieldErrors errors;
  if (request.requests().empty() || request.requests_size() > kBatchMax) {
    errors.Add("requests",
               absl::StrCat(request.requests_size(), " movements; a batch has 1 to ", kBatchMax));
  }
  int64_t line_count = 0;
  for (const pb::PostMovementRequest& one : request.requests()) line_count += one.lines_size();
  if (line_count > kBatchLinesMax) {
    errors.Add("requests", absl::StrCat(line_count, " lines together; a batch has at most ",
                                        kBatchLinesMax, ": send several"));
  }
  // Ids, not their spelling; one that is no id is told in its own movement's result.
  std::set<base::Uuid> seen;
  for (int i = 0; i < request.requests_size(); ++i) {
    const std::optional<base::Uuid> id = base::Uuid::Parse(request.requests(i).request_id());
    if (id.has_value() && !seen.insert(*id).second) {
      errors.Add(absl::StrCat(ElementPath("requests", i), ".request_id"),
                 "stands twice in the batch; each movement has its own");
    }
  }
  return errors.ToStatus();
}

absl::StatusOr<SummarizeStockCommand> ParseSummarizeStock(
    const pb::SummarizeStockRequest& request) {
  FieldErrors errors;
  const int32_t days =
      request.expiring_days() == 0 ? kExpiringDaysDefault : request.expiring_days();
  SummarizeStockCommand command{
      .unit = rpc::ParseResourceName("unit", kUnit, request.unit(), errors),
      .expiring_days =
          static_cast<int>(rpc::ParseInt("expiring_days", days, 1, kExpiringDaysMax, errors)),
      .page_size = rpc::ParsePageSize(request.page_size(), kStockPages, errors),
      .as_of = ParseAsOf(request.as_of(), errors)};
  const std::vector<std::string> position =
      absl::StrSplit(rpc::ParsePageToken(request.page_token(), QueryOf(request), errors), ' ');
  if (position.size() >= 2) {
    command.after_unit = rpc::ParseResourceName("page_token", kUnit, position[0], errors);
    command.after_item = rpc::ParseResourceName("page_token", kItem, position[1], errors);
  }
  int64_t sequence = 0;
  if (position.size() == 3 && absl::SimpleAtoi(position[2], &sequence)) command.sequence = sequence;
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return command;
}

absl::Status CheckProveConservation(const pb::ProveConservationRequest& request) {
  FieldErrors errors;
  ParseOptionalName("item", kItem, request.item(), errors);
  const auto refuse = [&](bool is_given, absl::string_view field) {
    if (is_given) errors.Add(field, "is for proofs with from_lines alone");
  };
  refuse(request.page_size() != 0, "page_size");
  refuse(!request.page_token().empty(), "page_token");
  refuse(request.has_as_of(), "as_of");
  return errors.ToStatus();
}

void RenderAccount(const Account& account, pb::Account& out) {
  out.set_location(account.location);
  out.set_state(static_cast<pb::AccountState>(account.state));
  if (!account.holder.is_nil()) out.set_holder(TransferName(account.holder));
}

void RenderMovement(const Movement& movement, pb::Movement& out) {
  out.set_name(MovementName(movement.movement_id));
  out.set_reason(static_cast<pb::MovementReason>(movement.reason));
  int place = 0;
  for (const MovementLine& line : movement.lines) {
    ++place;
    pb::MovementLine& rendered = *out.add_lines();
    rendered.set_lot(line.lot);
    RenderAccount(line.source, *rendered.mutable_source());
    RenderAccount(line.destination, *rendered.mutable_destination());
    rendered.mutable_quantity()->set_amount(line.quantity.amount);
    rendered.mutable_quantity()->set_unit(line.quantity.unit);
    rendered.set_base_quantity(line.base_quantity);
    rendered.set_line(line.number == 0 ? place : line.number);
  }
  out.set_withheld_line_count(movement.withheld_line_count);
  *out.mutable_occurred_time() = rpc::RenderTimestamp(movement.occurred_time);
  *out.mutable_record_time() = rpc::RenderTimestamp(movement.record_time);
  out.set_caller(movement.caller);
  if (movement.source_document.has_value()) {
    RenderSourceDocument(*movement.source_document, *out.mutable_source_document());
  }
  out.set_note(movement.note);
  if (movement.reverses.has_value()) out.set_reverses(MovementName(*movement.reverses));
  if (movement.reversed_by.has_value()) out.set_reversed_by(MovementName(*movement.reversed_by));
  if (movement.document.has_value()) out.set_document(TransferName(*movement.document));
}

void RenderLot(const Lot& lot, pb::Lot& out) {
  out.set_name(lot.name);
  out.set_origin(static_cast<pb::Lot::Origin>(lot.origin));
  out.set_origin_reference(lot.origin_reference);
  out.set_owner(lot.owner);
  out.set_expiry_date(lot.expiry_date);
  *out.mutable_create_time() = rpc::RenderTimestamp(lot.create_time);
}

void RenderMovements(const pb::ListMovementsRequest& request, const MovementPage& page,
                     pb::ListMovementsResponse& out) {
  for (const Movement& movement : page.movements) RenderMovement(movement, *out.add_movements());
  if (page.has_more) {
    out.set_next_page_token(rpc::MakePageToken(
        QueryOf(request), PositionBefore(page.movements.back().movement_id, page.moment)));
  }
  if (page.moment.has_value()) RenderMoment(*page.moment, *out.mutable_sealed_moment());
}

void RenderLots(const pb::ListLotsRequest& request, const ListLotsCommand& command,
                const std::vector<Lot>& lots, pb::ListLotsResponse& out) {
  const size_t page_size = command.page_size;
  for (size_t i = 0; i < std::min(lots.size(), page_size); ++i) RenderLot(lots[i], *out.add_lots());
  if (lots.size() > page_size) {
    const Lot& last = lots[page_size - 1];
    out.set_next_page_token(rpc::MakePageToken(
        QueryOf(request), absl::StrCat(last.expiry_date, "/", LastSegment(last.name))));
  }
}

void RenderBalance(const NamedBalance& balance, pb::Balance& out) {
  RenderAccount(balance.row.account, *out.mutable_account());
  out.set_lot(balance.row.lot);
  out.set_base_quantity(balance.row.quantity);
  out.set_base_unit(balance.base_unit);
}

void RenderBalances(const pb::ListBalancesRequest& request, const ListBalancesCommand& command,
                    const BalancePage& page, pb::ListBalancesResponse& out) {
  const std::vector<NamedBalance>& balances = page.balances;
  if (page.moment.has_value()) RenderMoment(*page.moment, *out.mutable_sealed_moment());
  const size_t page_size = command.page_size;
  for (size_t i = 0; i < std::min(balances.size(), page_size); ++i) {
    RenderBalance(balances[i], *out.add_balances());
  }
  if (balances.size() > page_size) {
    out.set_next_page_token(rpc::MakePageToken(
        QueryOf(request), PositionAfter(balances[page_size - 1].row.id, page.moment)));
  }
}

void RenderStock(const pb::SummarizeStockRequest& request, const StockSummary& summary,
                 absl::Time read_time, pb::SummarizeStockResponse& out) {
  if (summary.moment.has_value()) RenderMoment(*summary.moment, *out.mutable_sealed_moment());
  out.mutable_lines()->Reserve(static_cast<int>(summary.lines.size()));
  for (const NamedStockLine& line : summary.lines) {
    pb::StockLine& rendered = *out.add_lines();
    rendered.set_unit(std::string(line.unit));
    rendered.set_item(std::string(line.item));
    rendered.set_available(line.amounts.available);
    rendered.set_reserved(line.amounts.reserved);
    rendered.set_quarantine(line.amounts.quarantine);
    rendered.set_in_transit(line.amounts.in_transit);
    rendered.set_expiring_soon(line.amounts.expiring_soon);
    rendered.set_base_unit(std::string(line.base_unit));
  }
  if (summary.has_more) {
    const NamedStockLine& last = summary.lines.back();
    std::string position = absl::StrCat(last.unit, " ", last.item);
    if (summary.moment.has_value()) absl::StrAppend(&position, " ", summary.moment->sequence);
    out.set_next_page_token(rpc::MakePageToken(QueryOf(request), position));
  }
  *out.mutable_read_time() = rpc::RenderTimestamp(read_time);
}

void RenderProofs(const std::vector<NamedProof>& proofs, absl::Time read_time,
                  pb::ProveConservationResponse& out) {
  bool is_conserved = true;
  for (const NamedProof& proof : proofs) {
    pb::ConservationProof& rendered = *out.add_proofs();
    rendered.set_item(proof.item);
    rendered.set_inside_quantity(proof.sums.inside_quantity);
    rendered.set_outside_quantity(proof.sums.outside_quantity);
    rendered.set_difference(proof.sums.difference);
    rendered.set_balance_count(proof.sums.balance_count);
    rendered.set_negative_count(proof.sums.negative_count);
    is_conserved &= proof.sums.difference == 0 && proof.sums.negative_count == 0;
  }
  out.set_is_conserved(is_conserved);
  *out.mutable_read_time() = rpc::RenderTimestamp(read_time);
}

}  // namespace quartermaster::inventory
