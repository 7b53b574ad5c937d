#include "tests/model/ledger_truth.h"

#include <algorithm>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace quartermaster::inventory {
namespace {

using enum State;
using States = std::set<State>;

const States kOrigins = {kSupplier, kDonor, kMinistry, kProvince, kPeer};
const States kShelves = {kAvailable, kQuarantine};
const std::map<Reason, std::pair<States, States>> kMoves = {
    {Reason::kReceive, {kOrigins, kShelves}},
    {Reason::kConsume, {{kAvailable}, {kConsumed}}},
    {Reason::kGive, {{kAvailable}, {kExternal}}},
    {Reason::kSell, {{kAvailable}, {kSold}}},
    {Reason::kRelocate, {{kAvailable}, {kAvailable}}},
    {Reason::kHold, {{kAvailable}, {kQuarantine}}},
    {Reason::kRelease, {{kQuarantine}, {kAvailable}}},
    {Reason::kSendBack, {kShelves, kOrigins}},
    {Reason::kWriteOff, {kShelves, {kLost, kExpired, kDestroyed}}},
    {Reason::kFind, {{kFound}, kShelves}},
    {Reason::kOpenBooks, {{kOpening}, kShelves}},
};
const std::set<std::string> kPlaces = {"units/east/locations/depot", "units/east/locations/shelf",
                                       "units/east/locations/cabinet", "units/west/locations/room"};
const std::map<std::string, std::map<std::string, int64_t>> kUnitsOfItems = {
    {"items/n95-mask", {{"", 1}, {"piece", 1}, {"box", 10}}},
    {"items/alcohol", {{"", 1}, {"g", 1}, {"t", 1'000'000}}}};
const std::set<std::string> kLots = {"items/n95-mask/lots/m1", "items/n95-mask/lots/m2",
                                     "items/alcohol/lots/a1"};

std::string UnitOf(const std::string& location) {
  return absl::StrCat("units/", std::vector<std::string>(absl::StrSplit(location, '/'))[1]);
}
std::string ItemOf(const std::string& lot) {
  return absl::StrCat("items/", std::vector<std::string>(absl::StrSplit(lot, '/'))[1]);
}
bool Covers(const TruthCaller& caller, const std::string& location) {
  return caller.is_city_wide || UnitOf(location) == "units/east";
}
bool FitsInt64(__int128 value) {
  return value >= std::numeric_limits<int64_t>::min() &&
         value <= std::numeric_limits<int64_t>::max();
}

std::string ContentOf(const PostMovementCommand& command) {
  std::string text =
      absl::StrCat("post ", static_cast<int>(command.reason), " ", command.note, " ",
                   command.occurred_time ? absl::FormatTime(*command.occurred_time) : "");
  if (command.source_document.has_value()) {
    absl::StrAppend(&text, " ", command.source_document->issuer, " ",
                    command.source_document->number, " ", command.source_document->line);
  }
  for (const MovementLine& line : command.lines) {
    absl::StrAppend(&text, "|", line.lot, " ", line.source.location, " ",
                    static_cast<int>(line.source.state), " ", line.destination.location, " ",
                    static_cast<int>(line.destination.state), " ", line.quantity.amount, " ",
                    line.quantity.unit);
  }
  return text;
}

bool IsWellFormed(const PostMovementCommand& command, absl::Time now) {
  if (!kMoves.contains(command.reason)) return false;
  for (const MovementLine& line : command.lines) {
    if (line.source == line.destination) return false;
    const bool same_place = line.source.location == line.destination.location;
    const bool same_unit = UnitOf(line.source.location) == UnitOf(line.destination.location);
    if (command.reason == Reason::kRelocate ? !same_unit : !same_place) return false;
  }
  return command.occurred_time.value_or(now) <= now + absl::Minutes(5);
}

// Fills in the base quantities. Returns `OK`, or which rule a line breaks.
std::string Convert(Movement& movement, const std::set<std::string>& known_lots) {
  for (const MovementLine& line : movement.lines) {
    if (!kPlaces.contains(line.source.location)) return "LOCATION_NOT_FOUND";
    if (!kPlaces.contains(line.destination.location)) return "LOCATION_NOT_FOUND";
  }
  for (const MovementLine& line : movement.lines) {
    if (!kUnitsOfItems.contains(ItemOf(line.lot))) return "ITEM_NOT_FOUND";
  }
  for (const MovementLine& line : movement.lines) {
    if (!known_lots.contains(line.lot)) return "LOT_NOT_FOUND";
  }
  for (MovementLine& line : movement.lines) {
    const auto& units = kUnitsOfItems.at(ItemOf(line.lot));
    if (!units.contains(line.quantity.unit)) return "UNIT_OF_MEASURE_UNKNOWN";
    const __int128 base = __int128{line.quantity.amount} * units.at(line.quantity.unit);
    if (!FitsInt64(base)) return "QUANTITY_OVERFLOW";
    line.base_quantity = static_cast<int64_t>(base);
  }
  for (const MovementLine& line : movement.lines) {
    const auto& [sources, destinations] = kMoves.at(movement.reason);
    if (!sources.contains(line.source.state)) return "STATE_CHANGE_NOT_ALLOWED";
    if (!destinations.contains(line.destination.state)) return "STATE_CHANGE_NOT_ALLOWED";
  }
  for (const MovementLine& line : movement.lines) {
    if (ItemOf(line.lot) == "items/alcohol" && kShelves.contains(line.destination.state) &&
        !absl::EndsWith(line.destination.location, "/cabinet")) {
      return "HAZARD_STORE_REQUIRED";
    }
  }
  return "OK";
}

}  // namespace

std::string LedgerTruth::Post(const TruthCaller& caller, const PostMovementCommand& command,
                              absl::Time now, const Lots& held_by_east, Movement& expected) {
  if (!IsWellFormed(command, now)) return "INVALID_FIELD";
  for (const MovementLine& line : command.lines) {
    if (!Covers(caller, line.source.location)) return "PERMISSION_DENIED";
    if (!Covers(caller, line.destination.location)) return "PERMISSION_DENIED";
  }
  const RequestKey request = {caller.name, command.request_id};
  if (const auto earlier = requests_.find(request); earlier != requests_.end()) {
    if (earlier->second.first != ContentOf(command)) return "REQUEST_ID_REUSED";
    expected = movements_.at(earlier->second.second).movement;
    return "OK";
  }
  expected = {.reason = command.reason,
              .lines = command.lines,
              .occurred_time = command.occurred_time.value_or(now),
              .record_time = now,
              .caller = caller.name,
              .source_document = command.source_document,
              .note = command.note};
  const Lots& known_lots = caller.is_city_wide ? kLots : held_by_east;
  if (const std::string refusal = Convert(expected, known_lots); refusal != "OK") return refusal;
  if (const auto& paper = command.source_document; paper.has_value()) {
    if (papers_.contains({paper->issuer, paper->number, paper->line})) {
      return "SOURCE_DOCUMENT_POSTED";
    }
  }
  return Decide(request, ContentOf(command), absl::InfinitePast(), expected);
}

std::string LedgerTruth::Reverse(const TruthCaller& caller, const ReverseMovementCommand& command,
                                 absl::Time now, Movement& expected) {
  const std::string content =
      absl::StrCat("reverse ", command.movement_id.ToString(), " ", command.note);
  const RequestKey request = {caller.name, command.request_id};
  const auto earlier = requests_.find(request);
  if (earlier != requests_.end() && earlier->second.first != content) return "REQUEST_ID_REUSED";
  const auto original = movements_.find(command.movement_id);
  if (original == movements_.end()) return "MOVEMENT_NOT_FOUND";
  int covered_count = 0;
  for (const MovementLine& line : original->second.movement.lines) {
    covered_count += Covers(caller, line.source.location) ? 1 : 0;
  }
  if (covered_count == 0) return "MOVEMENT_NOT_FOUND";
  if (covered_count < static_cast<int>(original->second.movement.lines.size())) {
    return "PERMISSION_DENIED";
  }
  if (earlier != requests_.end()) {
    expected = movements_.at(earlier->second.second).movement;
    return "OK";
  }
  if (original->second.movement.reverses.has_value()) return "REVERSAL_NOT_REVERSIBLE";
  if (original->second.is_reversed) return "ALREADY_REVERSED";
  expected = original->second.movement;
  std::reverse(expected.lines.begin(), expected.lines.end());
  for (MovementLine& line : expected.lines) std::swap(line.source, line.destination);
  expected.movement_id = {};
  expected.reason = Reason::kReverse;
  expected.record_time = now;
  expected.caller = caller.name;
  expected.source_document.reset();
  expected.note = command.note;
  expected.reverses = command.movement_id;
  return Decide(request, content, original->second.movement.record_time + absl::Microseconds(1),
                expected);
}

std::string LedgerTruth::Decide(const RequestKey& request, const std::string& content,
                                absl::Time not_before, Movement& expected) {
  std::map<AccountKey, int64_t> after = quantities_;
  std::set<AccountKey> touched;
  for (const MovementLine& line : expected.lines) {
    const AccountKey source = {line.source.location, line.source.state, line.lot};
    const AccountKey destination = {line.destination.location, line.destination.state, line.lot};
    if (static_cast<int>(line.source.state) < 16 && after[source] < line.base_quantity) {
      return "INSUFFICIENT_STOCK";
    }
    if (!FitsInt64(__int128{after[source]} - line.base_quantity)) return "QUANTITY_OVERFLOW";
    if (!FitsInt64(__int128{after[destination]} + line.base_quantity)) return "QUANTITY_OVERFLOW";
    after[source] -= line.base_quantity;
    after[destination] += line.base_quantity;
    touched.insert({source, destination});
  }
  expected.record_time = std::max(expected.record_time, not_before);
  for (const AccountKey& account : touched) {
    if (const auto last = last_times_.find(account); last != last_times_.end()) {
      expected.record_time = std::max(expected.record_time, last->second + absl::Microseconds(1));
    }
  }
  for (const AccountKey& account : touched) last_times_[account] = expected.record_time;
  quantities_ = std::move(after);
  unnamed_ = expected;
  unnamed_request_ = {request, content};
  return "OK";
}

void LedgerTruth::Remember(const base::Uuid& movement_id) {
  if (!unnamed_request_.has_value()) return;
  unnamed_.movement_id = movement_id;
  for (const MovementLine& line : unnamed_.lines) {
    for (const Account& end : {line.source, line.destination}) {
      const bool is_inside = static_cast<int>(end.state) < 16;
      if (is_inside && UnitOf(end.location) == "units/east") held_by_east_.insert(line.lot);
    }
  }
  if (const auto& paper = unnamed_.source_document; paper.has_value()) {
    papers_.insert({paper->issuer, paper->number, paper->line});
  }
  if (unnamed_.reverses.has_value()) {
    Booked& original = movements_.at(*unnamed_.reverses);
    original.is_reversed = true;
    if (const auto& paper = original.movement.source_document; paper.has_value()) {
      papers_.erase({paper->issuer, paper->number, paper->line});
    }
  }
  requests_[unnamed_request_->first] = {unnamed_request_->second, movement_id};
  movements_[movement_id] = {.movement = std::move(unnamed_)};
  unnamed_request_.reset();
}

}  // namespace quartermaster::inventory
