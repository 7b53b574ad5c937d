#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "inventory-svc/domain/ledger_types.h"

namespace quartermaster::inventory {

// Who asks, as the truth sees it.
struct TruthCaller {
  std::string name;
  // Whether the grants cover the whole city, or `units/east` alone.
  bool is_city_wide = true;
};

// What the books must answer and hold, in the plainest words: maps, loops, no locks, no SQL,
// nothing shared with the ledger but its types. Knows the world of `LedgerWorld`.
class LedgerTruth {
 public:
  // (location, state, lot)
  using AccountKey = std::tuple<std::string, State, std::string>;

  using Lots = std::set<std::string>;

  // Returns `OK` or the reason of the refusal. After `OK`, `expected` says what the answer is, but
  // for the name of a movement that is new; `Remember` tells it. The lots are the city's: who is
  // not city-wide knows those in `held_by_east` alone.
  std::string Post(const TruthCaller& caller, const PostMovementCommand& command, absl::Time now,
                   const Lots& held_by_east, Movement& expected);
  std::string Reverse(const TruthCaller& caller, const ReverseMovementCommand& command,
                      absl::Time now, Movement& expected);
  // Takes in the name that the ledger gave to what `Post` or `Reverse` has just accepted.
  void Remember(const base::Uuid& movement_id);

  const std::map<AccountKey, int64_t>& quantities() const { return quantities_; }
  // The lots that an inside account of `units/east` holds or has held.
  const Lots& held_by_east() const { return held_by_east_; }
  size_t movement_count() const { return movements_.size(); }

 private:
  struct Booked {
    Movement movement;
    bool is_reversed = false;
  };
  using RequestKey = std::pair<std::string, base::Uuid>;

  std::string Decide(const RequestKey& request, const std::string& content, absl::Time not_before,
                     Movement& expected);

  std::map<AccountKey, int64_t> quantities_;
  Lots held_by_east_;
  std::map<AccountKey, absl::Time> last_times_;
  std::map<base::Uuid, Booked> movements_;
  // What each request said, and which movement answered it.
  std::map<RequestKey, std::pair<std::string, base::Uuid>> requests_;
  std::set<std::tuple<std::string, std::string, int32_t>> papers_;
  // Accepted, and not named yet.
  std::optional<std::pair<RequestKey, std::string>> unnamed_request_;
  Movement unnamed_;
};

}  // namespace quartermaster::inventory
