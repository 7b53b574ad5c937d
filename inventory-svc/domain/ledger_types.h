#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/time/time.h"
#include "inventory-svc/domain/ids.h"
#include "platform/base/uuid.h"

namespace quartermaster::inventory {

// The state of goods in an account. The numbers are the API's and the database's.
enum class State : uint8_t {
  kAvailable = 1,
  kReserved = 2,
  kQuarantine = 3,
  kInTransit = 4,
  kInUse = 5,
  kSupplier = 16,
  kDonor = 17,
  kMinistry = 18,
  kProvince = 19,
  kPeer = 20,
  kConsumed = 21,
  kSold = 22,
  kExternal = 23,
  kLost = 24,
  kFound = 25,
  kExpired = 26,
  kDestroyed = 27,
  kOpening = 28,
};

// Inside accounts hold goods and never fall below zero; outside accounts say where goods came from
// or went, and may.
constexpr bool IsInside(State state) { return static_cast<uint8_t>(state) < 16; }

// Why goods move. The numbers are the API's and the database's.
enum class Reason : uint8_t {
  kReceive = 1,
  kConsume = 2,
  kGive = 3,
  kSell = 4,
  kRelocate = 5,
  kHold = 6,
  kRelease = 7,
  kSendBack = 8,
  kWriteOff = 9,
  kFind = 10,
  kOpenBooks = 11,
  kDispatch = 12,
  kArrive = 13,
  kReverse = 14,
};

// Names as the API spells them: `IN_TRANSIT`, `WRITE_OFF`.
std::string ToName(State state);
std::string ToName(Reason reason);

// How much, as a person wrote it. An empty unit means the item's base unit.
struct Quantity {
  int64_t amount = 0;
  std::string unit;

  friend bool operator==(const Quantity&, const Quantity&) = default;
};

// The document that goods are held for; nil for none.
using Holder = base::Uuid;

// An account by the names that callers use.
struct Account {
  // `units/{unit}/locations/{location}`.
  std::string location;
  State state = State::kAvailable;
  Holder holder;

  friend bool operator==(const Account&, const Account&) = default;
};

// One line of a movement. `base_quantity` is 0 until the quantity was converted.
struct MovementLine {
  // `items/{item}/lots/{lot}`.
  std::string lot;
  Account source;
  Account destination;
  Quantity quantity;
  int64_t base_quantity = 0;
  // Its place in its movement, from 1, where others may be missing; 0 where it stands.
  int number = 0;

  friend bool operator==(const MovementLine&, const MovementLine&) = default;
};

// One line of a paper, unique in the books while its movement is not reversed.
struct SourceDocument {
  std::string issuer;
  std::string number;
  int32_t line = 0;

  friend bool operator==(const SourceDocument&, const SourceDocument&) = default;
};

// What a caller asks to post.
struct PostMovementCommand {
  Reason reason = Reason::kReceive;
  std::vector<MovementLine> lines;
  std::optional<absl::Time> occurred_time;
  std::optional<SourceDocument> source_document;
  std::string note;
  base::Uuid request_id;
};

// What a caller asks to reverse.
struct ReverseMovementCommand {
  base::Uuid movement_id;
  std::string note;
  base::Uuid request_id;
};

// A set of lines that was posted, all or none. Immutable once posted, but for `reversed_by`, which
// only reads fill in.
struct Movement {
  base::Uuid movement_id;
  Reason reason = Reason::kReceive;
  std::vector<MovementLine> lines;
  absl::Time occurred_time;
  absl::Time record_time;
  std::string caller;
  std::optional<SourceDocument> source_document;
  std::string note;
  // The movement that this one reverses.
  std::optional<base::Uuid> reverses;
  // The movement that reversed this one.
  std::optional<base::Uuid> reversed_by;
  // The transfer that posted it.
  std::optional<base::Uuid> document;
  // How many lines a reader's grants do not cover: `lines` is without them.
  int withheld_line_count = 0;
};

// Goods of one item, one origin, one expiry.
struct Lot {
  static constexpr char kForm[] = "lot.1";

  enum class Origin : uint8_t {
    kSupplier = 1,
    kDonor = 2,
    kMinistry = 3,
    kProvince = 4,
    kPeer = 5,
    kUnknown = 6,
  };
  std::string name;
  Origin origin = Origin::kUnknown;
  std::string origin_reference;
  // `units/{unit}`.
  std::string owner;
  // `YYYY-MM-DD`, or empty if it does not expire.
  std::string expiry_date;
  absl::Time create_time;
};

// An account by row numbers, and a lot: what one balance row is for.
struct BalanceKey {
  LocationId location = {};
  State state = State::kAvailable;
  Holder holder;
  LotId lot = {};

  friend auto operator<=>(const BalanceKey&, const BalanceKey&) = default;
  template <typename H>
  friend H AbslHashValue(H hash, const BalanceKey& key) {
    return H::combine(std::move(hash), key.location, key.state, key.holder, key.lot);
  }
};

// What one account holds of one lot, in base units, while its row is locked.
struct Balance {
  BalanceId id = {};
  BalanceKey key;
  int64_t quantity = 0;
  // The latest time at which the books took a movement on it.
  absl::Time last_record_time = absl::InfinitePast();
};

// A line ready to be decided: names looked up, quantity converted.
struct ResolvedLine {
  BalanceKey source;
  BalanceKey destination;
  int64_t base_quantity = 0;
};

// What the source of a line lacks. `reserved` is what the same place holds of the same lot for
// documents.
struct Shortage {
  // From 1.
  int line = 1;
  std::string lot;
  std::string location;
  State state = State::kAvailable;
  int64_t wanted = 0;
  int64_t available = 0;
  int64_t reserved = 0;
};

// The forms by which two commands of the same request id are compared, and a record's hash is made.
template <typename V>
void VisitFields(V& visit, Quantity& quantity) {
  visit(quantity.amount, quantity.unit);
}
template <typename V>
void VisitFields(V& visit, Account& account) {
  visit(account.location, account.state, account.holder);
}
template <typename V>
void VisitFields(V& visit, MovementLine& line) {
  visit(line.lot, line.source, line.destination, line.quantity, line.base_quantity);
}
template <typename V>
void VisitFields(V& visit, SourceDocument& document) {
  visit(document.issuer, document.number, document.line);
}
// Leaves out the request id: it is what contents are compared under.
template <typename V>
void VisitFields(V& visit, PostMovementCommand& command) {
  visit(command.reason, command.lines, command.occurred_time, command.source_document,
        command.note);
}
template <typename V>
void VisitFields(V& visit, ReverseMovementCommand& command) {
  visit(command.movement_id, command.note);
}
template <typename V>
void VisitFields(V& visit, Lot& lot) {
  visit(lot.name, lot.origin, lot.origin_reference, lot.owner, lot.expiry_date, lot.create_time);
}

}  // namespace quartermaster::inventory
