#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "inventory-svc/domain/ledger_types.h"

namespace quartermaster::inventory {

// What one place holds of one lot, in one inside state, in base units.
struct LotAmount {
  Lot lot;
  State state = State::kAvailable;
  int64_t quantity = 0;
};

// How much to take of one lot.
struct LotPick {
  Lot lot;
  int64_t quantity = 0;
};

// Goods of a lot that were passed over, and why. The numbers are the API's.
struct PassedOverLot {
  enum class Reason : uint8_t {
    kExpired = 1,     // its last day of use lies before the day asked for
    kQuarantine = 2,  // waiting for inspection or destruction
    kReserved = 3,    // promised to a document
    kNotNeeded = 4,   // the lots before it are enough
  };
  Lot lot;
  int64_t quantity = 0;
  Reason reason = Reason::kNotNeeded;
};

// From which lots to take a quantity. Everything that the place holds is in it, picked or passed
// over.
struct LotSuggestion {
  std::vector<LotPick> picks;
  std::vector<PassedOverLot> passed_over;
  // What the picks fall short of what is wanted.
  int64_t missing = 0;
};

// Picks by first expired, first out (FEFO): in the order of expiry, those without last, then of
// arrival in the books, then of name, so that two who ask are told the same. Picked is what is
// AVAILABLE and can still be used on `good_until` (`YYYY-MM-DD`); of goods on their way
// (IN_TRANSIT) and in use nothing is said, they are not on the shelf.
LotSuggestion SuggestLots(std::vector<LotAmount> amounts, int64_t wanted,
                          const std::string& good_until);

}  // namespace quartermaster::inventory
