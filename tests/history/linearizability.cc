#include "tests/history/linearizability.h"

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "platform/base/status_macros.h"

namespace quartermaster::testing {
namespace {

using Amounts = std::vector<int64_t>;
// A place in `ItemHistory::operations`.
using Place = size_t;

constexpr size_t kOpenMax = 64;
// How much of what went before, and of what could be, a counterexample shows.
constexpr size_t kBeforeMax = 8;
constexpr size_t kAmountsShownMax = 12;
constexpr size_t kAccountsShownInFullMax = 6;

// An asking or an answer.
struct Event {
  absl::Duration time;
  bool is_answer = false;
  Place place = 0;
};

// One way in which the answers so far could have come about.
struct Way {
  Amounts amounts;
  // Which of the open operations have taken effect, by their slots.
  uint64_t effective = 0;

  friend bool operator==(const Way&, const Way&) = default;
  template <typename H>
  friend H AbslHashValue(H hash, const Way& way) {
    return H::combine(std::move(hash), way.amounts, way.effective);
  }
};
using Ways = absl::flat_hash_set<Way>;

bool ChangesNothing(const Operation& operation) {
  return operation.kind == Operation::Kind::kRead ||
         operation.outcome == Operation::Outcome::kRefused;
}

// Does the steps until one finds too little; returns which, and what it found.
std::optional<std::pair<size_t, int64_t>> DoSteps(const std::vector<StockStep>& steps,
                                                  Amounts& amounts) {
  for (size_t i = 0; i < steps.size(); ++i) {
    const StockStep& step = steps[i];
    if (step.source != kOutside) {
      int64_t& source = amounts[static_cast<size_t>(step.source)];
      if (source < step.quantity) return std::pair(i, source);
      source -= step.quantity;
    }
    if (step.destination != kOutside) {
      amounts[static_cast<size_t>(step.destination)] += step.quantity;
    }
  }
  return std::nullopt;
}

// Does what the operation did, if what it was answered fits the amounts.
bool Apply(const Operation& operation, Amounts& amounts) {
  if (operation.kind == Operation::Kind::kRead) {
    return std::ranges::equal(
        operation.amounts, std::span(amounts).subspan(static_cast<size_t>(operation.first_account),
                                                      operation.amounts.size()));
  }
  if (operation.outcome == Operation::Outcome::kRefused) {
    Amounts tried = amounts;
    return DoSteps(operation.steps, tried) == std::pair(operation.short_step, operation.available);
  }
  Amounts after = amounts;
  if (DoSteps(operation.steps, after).has_value()) return false;
  amounts = std::move(after);
  return true;
}

// Goes through events, and knows after each in which ways it could have come to that.
class Search {
 public:
  Search(const ItemHistory& history, const SearchLimits& limits)
      : history_(history),
        limits_(limits),
        slots_(history.operations.size(), kNoSlot),
        is_answered_(history.operations.size(), false) {
    ways_.insert(Way{.amounts = history.initial_amounts});
  }

  // Takes the next event in. Returns false if no way leads beyond it, and stays before it then.
  absl::StatusOr<bool> Take(const Event& event) {
    return event.is_answer ? Answer(event.place) : Ask(event.place);
  }

  size_t ways_max() const { return ways_max_; }
  // The amounts that could be now; after a `Take` that found no way, those that it tried.
  std::set<Amounts> PossibleAmounts() const {
    std::set<Amounts> amounts;
    for (const Way& way : tried_.empty() ? ways_ : tried_) amounts.insert(way.amounts);
    return amounts;
  }

 private:
  static constexpr size_t kNoSlot = kOpenMax;

  const Operation& At(Place place) const { return history_.operations[place]; }
  uint64_t Bit(Place place) const { return uint64_t{1} << slots_[place]; }

  absl::StatusOr<bool> Ask(Place place) {
    const auto slot =
        std::ranges::find_if(open_, [](const auto& taken) { return !taken.has_value(); });
    if (slot == open_.end()) {
      return absl::ResourceExhaustedError("too many operations are open at once");
    }
    *slot = place;
    slots_[place] = static_cast<size_t>(slot - open_.begin());
    if (!ChangesNothing(At(place))) return true;
    Ways ways;
    for (Way way : ways_) {
      Look(way);
      ways.insert(std::move(way));
    }
    ways_ = std::move(ways);
    return true;
  }

  absl::StatusOr<bool> Answer(Place place) {
    tried_ = ways_;
    std::vector<Way> to_do(ways_.begin(), ways_.end());
    Ways explained;
    while (!to_do.empty()) {
      Way way = std::move(to_do.back());
      to_do.pop_back();
      if ((way.effective & Bit(place)) != 0) {
        way.effective &= ~Bit(place);
        explained.insert(std::move(way));
        continue;
      }
      for (const std::optional<Place>& next : open_) {
        if (!next.has_value() || !MayTakeEffect(*next, way)) continue;
        Way after = way;
        if (!Apply(At(*next), after.amounts)) continue;
        after.effective |= Bit(*next);
        Look(after);
        if (tried_.insert(after).second) to_do.push_back(std::move(after));
      }
      if (tried_.size() > limits_.ways_max) {
        return absl::ResourceExhaustedError(
            absl::StrCat("more than ", limits_.ways_max, " ways lead to the answer of #", place));
      }
    }
    ways_max_ = std::max(ways_max_, tried_.size());
    if (explained.empty()) return false;
    ways_ = std::move(explained);
    tried_.clear();
    open_[slots_[place]].reset();
    slots_[place] = kNoSlot;
    is_answered_[place] = true;
    return true;
  }

  bool MayTakeEffect(Place place, const Way& way) const {
    if ((way.effective & Bit(place)) != 0) return false;
    const std::optional<size_t> before = At(place).not_before;
    if (!before.has_value() || is_answered_[*before]) return true;
    return slots_[*before] != kNoSlot && (way.effective & Bit(*before)) != 0;
  }

  // What changes nothing and fits takes effect at once: that closes no way that is open.
  void Look(Way& way) const {
    for (const std::optional<Place>& place : open_) {
      if (!place.has_value() || !ChangesNothing(At(*place))) continue;
      if (Apply(At(*place), way.amounts)) way.effective |= Bit(*place);
    }
  }

  const ItemHistory& history_;
  const SearchLimits limits_;
  std::array<std::optional<Place>, kOpenMax> open_ = {};
  // By place; `kNoSlot` unless it is open.
  std::vector<size_t> slots_;
  std::vector<bool> is_answered_;
  Ways ways_;
  Ways tried_;
  size_t ways_max_ = 0;
};

// What was asked at the very time of an answer was asked before it: that allows more.
std::vector<Event> EventsOf(const ItemHistory& history) {
  std::vector<Event> events;
  for (Place place = 0; place < history.operations.size(); ++place) {
    const Operation& operation = history.operations[place];
    events.push_back({.time = operation.invoke_time, .is_answer = false, .place = place});
    if (operation.outcome == Operation::Outcome::kUnknown) continue;
    events.push_back({.time = operation.return_time, .is_answer = true, .place = place});
  }
  std::ranges::stable_sort(
      events, {}, [](const Event& event) { return std::pair(event.time, event.is_answer); });
  return events;
}

// Tells whether a read is of accounts that there are.
bool IsTold(const ItemHistory& history, const Operation& read) {
  return read.first_account >= 0 && !read.amounts.empty() &&
         static_cast<size_t>(read.first_account) + read.amounts.size() <= history.accounts.size();
}

absl::Status CheckSense(const ItemHistory& history) {
  const auto account_count = static_cast<int>(history.accounts.size());
  const auto is_account = [&](int account) {
    return account >= kOutside && account < account_count;
  };
  for (Place place = 0; place < history.operations.size(); ++place) {
    const Operation& operation = history.operations[place];
    const bool is_read = operation.kind == Operation::Kind::kRead;
    const bool has_answer = operation.outcome != Operation::Outcome::kUnknown;
    bool makes_sense = !has_answer || operation.invoke_time <= operation.return_time;
    makes_sense = makes_sense && (is_read ? IsTold(history, operation) &&
                                                operation.outcome == Operation::Outcome::kDone
                                          : !operation.steps.empty());
    for (const StockStep& step : operation.steps) {
      makes_sense = makes_sense && is_account(step.source) && is_account(step.destination);
    }
    if (operation.not_before.has_value()) {
      makes_sense = makes_sense && *operation.not_before < history.operations.size() &&
                    *operation.not_before != place;
    }
    if (!makes_sense) {
      return absl::InvalidArgumentError(absl::StrCat("makes no sense: ", Describe(history, place)));
    }
  }
  if (history.initial_amounts.size() != history.accounts.size()) {
    return absl::InvalidArgumentError("not every account begins with an amount");
  }
  return absl::OkStatus();
}

// Takes the events in until one cannot be explained; returns which, or their number. The search is
// left before that one.
absl::StatusOr<size_t> TakeAll(const std::vector<Event>& events, Search& search) {
  for (size_t i = 0; i < events.size(); ++i) {
    QM_ASSIGN_OR_RETURN(const bool is_explained, search.Take(events[i]));
    if (!is_explained) return i;
  }
  return events.size();
}

void AppendAmounts(const ItemHistory& history, const std::set<Amounts>& possible,
                   std::string& text) {
  size_t shown = 0;
  for (const Amounts& amounts : possible) {
    if (++shown > kAmountsShownMax) {
      absl::StrAppend(&text, "    and ", possible.size() - kAmountsShownMax, " more\n");
      return;
    }
    absl::StrAppend(&text, "   ");
    for (size_t i = 0; i < amounts.size(); ++i) {
      // Of many accounts, those that hold something tell enough.
      if (amounts[i] == 0 && amounts.size() > kAccountsShownInFullMax) continue;
      absl::StrAppend(&text, " ", history.accounts[i], " ", amounts[i]);
    }
    absl::StrAppend(&text, "\n");
  }
}

// Writes a counterexample: the history is cut down to what makes the last of `events` impossible.
class Explainer {
 public:
  Explainer(const ItemHistory& history, std::vector<Event> events, const SearchLimits& limits)
      : history_(history), events_(std::move(events)), limits_(limits) {}

  absl::StatusOr<std::string> Explain() {
    const Place stuck = events_.back().place;
    QM_RETURN_IF_ERROR(DropWhatDoesNotMatter());
    const size_t asked = AskingOfStuck();
    std::string text = absl::StrCat("item ", history_.item, " is not linearizable.\n  Before:\n");
    AppendBefore(asked, text);
    Search before(history_, limits_);
    QM_RETURN_IF_ERROR(
        TakeAll({events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(asked)}, before)
            .status());
    absl::StrAppend(&text, "  When #", stuck, " was asked, whatever the order, there was:\n");
    AppendAmounts(history_, before.PossibleAmounts(), text);
    absl::StrAppend(&text, "  From then on:\n");
    for (const Place place : OpenSince(asked)) {
      absl::StrAppend(&text, "    ", Describe(history_, place), "\n");
    }
    Search all(history_, limits_);
    QM_RETURN_IF_ERROR(TakeAll(events_, all).status());
    absl::StrAppend(&text, "  Stuck at the answer of #", stuck,
                    ": no order explains it. There could have been:\n");
    AppendAmounts(history_, all.PossibleAmounts(), text);
    return text;
  }

 private:
  size_t AskingOfStuck() const {
    return static_cast<size_t>(std::ranges::find(events_, events_.back().place, &Event::place) -
                               events_.begin());
  }

  // Leaves out each read and refusal that overlaps the stuck one and without which it is as stuck:
  // they change nothing, so what is left is stuck by itself.
  absl::Status DropWhatDoesNotMatter() {
    std::set<Place> candidates = OpenSince(AskingOfStuck());
    candidates.erase(events_.back().place);
    std::erase_if(candidates,
                  [&](Place place) { return !ChangesNothing(history_.operations[place]); });
    for (const Place place : candidates) {
      // Something may not come before it.
      if (std::ranges::any_of(history_.operations, [&](const Operation& operation) {
            return operation.not_before == place;
          })) {
        continue;
      }
      std::vector<Event> fewer = events_;
      std::erase_if(fewer, [&](const Event& event) { return event.place == place; });
      Search search(history_, limits_);
      QM_ASSIGN_OR_RETURN(const size_t explained, TakeAll(fewer, search));
      if (explained == fewer.size() - 1) events_ = std::move(fewer);
    }
    return absl::OkStatus();
  }

  void AppendBefore(size_t asked, std::string& text) const {
    std::vector<Place> answered;
    for (size_t i = 0; i < asked; ++i) {
      if (events_[i].is_answer) answered.push_back(events_[i].place);
    }
    const size_t first = answered.size() > kBeforeMax ? answered.size() - kBeforeMax : 0;
    if (first > 0) absl::StrAppend(&text, "    ", first, " more\n");
    for (size_t i = first; i < answered.size(); ++i) {
      absl::StrAppend(&text, "    ", Describe(history_, answered[i]), "\n");
    }
  }

  // Returns those that are open at that event or asked after it.
  std::set<Place> OpenSince(size_t index) const {
    std::set<Place> open;
    for (size_t i = 0; i < events_.size(); ++i) {
      if (!events_[i].is_answer) open.insert(events_[i].place);
      if (events_[i].is_answer && i < index) open.erase(events_[i].place);
    }
    return open;
  }

  const ItemHistory& history_;
  // The last is the one that cannot be explained.
  std::vector<Event> events_;
  const SearchLimits limits_;
};

}  // namespace

absl::StatusOr<LinearizabilityVerdict> CheckLinearizable(const ItemHistory& history,
                                                         const SearchLimits& limits) {
  QM_RETURN_IF_ERROR(CheckSense(history));
  std::vector<Event> events = EventsOf(history);
  Search search(history, limits);
  QM_ASSIGN_OR_RETURN(const size_t explained, TakeAll(events, search));
  LinearizabilityVerdict verdict{.is_linearizable = explained == events.size(),
                                 .ways_max = search.ways_max()};
  if (verdict.is_linearizable) return verdict;
  events.resize(explained + 1);
  QM_ASSIGN_OR_RETURN(verdict.counterexample,
                      Explainer(history, std::move(events), limits).Explain());
  return verdict;
}

}  // namespace quartermaster::testing
