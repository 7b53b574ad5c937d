#include "inventory-svc/domain/posting_rules.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "inventory-svc/domain/ledger_errors.h"
#include "inventory-svc/domain/names.h"
#include "platform/base/check.h"
#include "platform/status/error.h"
#include "platform/values/exact.h"

namespace quartermaster::inventory {
namespace {

using enum State;

// A set of states as bits, so that the table below is read at a glance and costs nothing.
constexpr uint32_t Set(std::initializer_list<State> states) {
  uint32_t bits = 0;
  for (const State state : states) bits |= 1u << static_cast<uint8_t>(state);
  return bits;
}
constexpr bool Contains(uint32_t set, State state) {
  return (set >> static_cast<uint8_t>(state) & 1u) != 0;
}

constexpr uint32_t kSources = Set({kSupplier, kDonor, kMinistry, kProvince, kPeer});
constexpr uint32_t kShelf = Set({kAvailable, kQuarantine});

// The one table of what may move where and why. RESERVED and IN_USE have no row yet: the documents
// that own them bring theirs.
struct Rule {
  Reason reason;
  uint32_t sources;
  uint32_t destinations;
  // Needed besides `ledger.post`; null for nothing more.
  const char* extra_permission = nullptr;
  // Posted by a document or by a reversal, never by hand.
  bool is_internal = false;
};
constexpr Rule kRules[] = {
    {Reason::kReceive, kSources, kShelf},
    {Reason::kConsume, Set({kAvailable}), Set({kConsumed})},
    {Reason::kGive, Set({kAvailable}), Set({kExternal})},
    {Reason::kSell, Set({kAvailable}), Set({kSold})},
    {Reason::kRelocate, Set({kAvailable}), Set({kAvailable})},
    {Reason::kHold, Set({kAvailable}), Set({kQuarantine})},
    {Reason::kRelease, Set({kQuarantine}), Set({kAvailable})},
    {Reason::kSendBack, kShelf, kSources},
    {Reason::kWriteOff, kShelf, Set({kLost, kExpired, kDestroyed}), "ledger.dispose"},
    {Reason::kFind, Set({kFound}), kShelf, "ledger.correct"},
    {Reason::kOpenBooks, Set({kOpening}), kShelf, "ledger.open"},
    {.reason = Reason::kDispatch,
     .sources = Set({kAvailable}),
     .destinations = Set({kInTransit}),
     .is_internal = true},
    {.reason = Reason::kArrive,
     .sources = Set({kInTransit}),
     .destinations = Set({kAvailable, kQuarantine, kLost}),
     .is_internal = true},
};

const Rule* FindRule(Reason reason) {
  const auto* rule = std::ranges::find(kRules, reason, &Rule::reason);
  return rule == std::end(kRules) ? nullptr : rule;
}

}  // namespace

absl::string_view ExtraPermission(Reason reason) {
  const Rule* rule = FindRule(reason);
  if (rule == nullptr || rule->extra_permission == nullptr) return "";
  return rule->extra_permission;
}

absl::Status CheckCommand(const PostMovementCommand& command, absl::Time now) {
  std::vector<status::FieldViolation> violations;
  const Rule* rule = FindRule(command.reason);
  if (rule == nullptr || rule->is_internal) {
    violations.push_back({"reason", absl::StrCat(ToName(command.reason),
                                                 " is posted by a document or a reversal alone")});
  }
  for (size_t i = 0; i < command.lines.size(); ++i) {
    const MovementLine& line = command.lines[i];
    const std::string path = absl::StrCat("lines[", i, "].");
    if (line.source == line.destination) {
      violations.push_back({path + "destination", "is the same account as the source"});
    } else if (command.reason == Reason::kRelocate) {
      if (UnitOfLocation(line.source.location) != UnitOfLocation(line.destination.location)) {
        violations.push_back(
            {path + "destination.location",
             "RELOCATE stays inside one unit; send goods to another by a transfer"});
      }
    } else if (line.source.location != line.destination.location) {
      violations.push_back(
          {path + "destination.location",
           absl::StrCat("must be the source's location for ", ToName(command.reason),
                        "; goods change places by RELOCATE or a transfer")});
    }
  }
  if (command.occurred_time.has_value() && *command.occurred_time > now + kClockTolerance) {
    violations.push_back(
        {"occurred_time",
         absl::StrCat(
             absl::FormatTime(absl::RFC3339_sec, *command.occurred_time, absl::UTCTimeZone()),
             " lies more than five minutes ahead of the server's clock")});
  }
  return violations.empty() ? absl::OkStatus() : status::InvalidFields(std::move(violations));
}

absl::Status CheckStateChange(int line, Reason reason, State source, State destination) {
  const Rule* rule = FindRule(reason);
  if (rule == nullptr || !Contains(rule->sources, source) ||
      !Contains(rule->destinations, destination)) {
    return StateChangeNotAllowed(line, reason, source, destination);
  }
  return absl::OkStatus();
}

RunningBalances::RunningBalances(std::vector<Balance> locked) {
  balances_.reserve(locked.size());
  places_.reserve(locked.size());
  for (Balance& balance : locked) {
    places_[balance.key] = balances_.size();
    balances_.push_back({.balance = std::move(balance)});
  }
}

RunningBalances::Running& RunningBalances::At(const BalanceKey& key) {
  const auto place = places_.find(key);
  QM_CHECK(place != places_.end());
  return balances_[place->second];
}

absl::StatusOr<Posting> RunningBalances::Post(const std::vector<ResolvedLine>& lines,
                                              const std::vector<MovementLine>& names,
                                              absl::Time now, absl::Time not_before) {
  QM_CHECK(lines.size() == names.size());
  Posting posting{.record_time = std::max(now, not_before)};
  // What was there before, to be put back if a later line is refused.
  std::vector<std::pair<Running*, int64_t>> before;
  before.reserve(lines.size() * 2);
  bool is_posted = false;
  const absl::Cleanup put_back = [&] {
    if (is_posted) return;
    for (auto entry = before.rbegin(); entry != before.rend(); ++entry) {
      entry->first->balance.quantity = entry->second;
    }
  };
  for (size_t i = 0; i < lines.size(); ++i) {
    const ResolvedLine& line = lines[i];
    const int number = static_cast<int>(i) + 1;
    QM_CHECK(line.base_quantity > 0);
    Running& from = At(line.source);
    Running& to = At(line.destination);
    Balance& source = from.balance;
    Balance& destination = to.balance;
    for (const Balance* balance : {&source, &destination}) {
      posting.record_time =
          std::max(posting.record_time, balance->last_record_time + absl::Microseconds(1));
    }
    if (IsInside(line.source.state) && source.quantity < line.base_quantity) {
      posting.shortage = Shortage{.line = number,
                                  .lot = names[i].lot,
                                  .location = names[i].source.location,
                                  .state = line.source.state,
                                  .wanted = line.base_quantity,
                                  .available = source.quantity};
      return posting;
    }
    const auto source_after = values::CheckedSubtract(source.quantity, line.base_quantity);
    if (!source_after.has_value()) return BalanceOverflow(number, names[i].source.location);
    const auto destination_after = values::CheckedAdd(destination.quantity, line.base_quantity);
    if (!destination_after.has_value()) {
      return BalanceOverflow(number, names[i].destination.location);
    }
    before.emplace_back(&from, source.quantity);
    before.emplace_back(&to, destination.quantity);
    source.quantity = *source_after;
    destination.quantity = *destination_after;
  }
  for (const auto& [running, quantity] : before) {
    running->is_changed = true;
    running->balance.last_record_time = posting.record_time;
  }
  is_posted = true;
  return posting;
}

std::vector<Balance> RunningBalances::Changed() const {
  std::vector<Balance> changed;
  for (const Running& running : balances_) {
    if (running.is_changed) changed.push_back(running.balance);
  }
  return changed;
}

std::vector<MovementLine> Opposite(const std::vector<MovementLine>& lines) {
  std::vector<MovementLine> opposite = lines;
  // Last line first: what a later line passed on comes back before an earlier one takes it.
  std::ranges::reverse(opposite);
  for (MovementLine& line : opposite) std::swap(line.source, line.destination);
  return opposite;
}

std::string ToName(State state) {
  switch (state) {
    case kAvailable:
      return "AVAILABLE";
    case kReserved:
      return "RESERVED";
    case kQuarantine:
      return "QUARANTINE";
    case kInTransit:
      return "IN_TRANSIT";
    case kInUse:
      return "IN_USE";
    case kSupplier:
      return "SUPPLIER";
    case kDonor:
      return "DONOR";
    case kMinistry:
      return "MINISTRY_SOURCE";
    case kProvince:
      return "PROVINCE_SOURCE";
    case kPeer:
      return "PEER";
    case kConsumed:
      return "CONSUMED";
    case kSold:
      return "SOLD";
    case kExternal:
      return "EXTERNAL";
    case kLost:
      return "LOST";
    case kFound:
      return "FOUND";
    case kExpired:
      return "EXPIRED";
    case kDestroyed:
      return "DESTROYED";
    case kOpening:
      return "OPENING";
  }
  return absl::StrCat("STATE_", static_cast<int>(state));
}

std::string ToName(Reason reason) {
  switch (reason) {
    case Reason::kReceive:
      return "RECEIVE";
    case Reason::kConsume:
      return "CONSUME";
    case Reason::kGive:
      return "GIVE";
    case Reason::kSell:
      return "SELL";
    case Reason::kRelocate:
      return "RELOCATE";
    case Reason::kHold:
      return "HOLD";
    case Reason::kRelease:
      return "RELEASE";
    case Reason::kSendBack:
      return "SEND_BACK";
    case Reason::kWriteOff:
      return "WRITE_OFF";
    case Reason::kFind:
      return "FIND";
    case Reason::kOpenBooks:
      return "OPEN_BOOKS";
    case Reason::kDispatch:
      return "DISPATCH";
    case Reason::kArrive:
      return "ARRIVE";
    case Reason::kReverse:
      return "REVERSE";
  }
  return absl::StrCat("REASON_", static_cast<int>(reason));
}

}  // namespace quartermaster::inventory
