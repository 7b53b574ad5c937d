#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "platform/document/document.h"
#include "platform/status/error.h"

// What may be done to a document, as data: which verb in which state, who may do it, and who may
// not because of what they did before.
//
// A kind of document has four enums: its states, its verbs, its places (which of its units a
// doer's grant must cover) and its actors (who took which step). `ToName` of the first two gives
// the words that callers see.
namespace quartermaster::document {

// A set of values of an enum with fewer than 32.
template <typename E>
class EnumSet {
 public:
  constexpr EnumSet() = default;
  constexpr EnumSet(std::initializer_list<E> values) {
    for (const E value : values) bits_ |= Bit(value);
  }
  constexpr bool contains(E value) const { return (bits_ & Bit(value)) != 0; }
  constexpr void insert(E value) { bits_ |= Bit(value); }
  friend constexpr bool operator==(EnumSet, EnumSet) = default;

 private:
  static constexpr uint32_t Bit(E value) { return uint32_t{1} << static_cast<uint32_t>(value); }

  uint32_t bits_ = 0;
};

// One row of the table.
template <typename State, typename Verb, typename Place, typename Actor>
struct Transition {
  State from;
  Verb verb;
  // Where it may lead; which of them is derived from what the lines say, never chosen.
  EnumSet<State> to;
  // What the doer must hold …
  absl::string_view permission;
  // … and for which units.
  EnumSet<Place> places;
  // Who must not do it: those who took one of these steps.
  EnumSet<Actor> barred = {};
};

// Immutable, and so Thread-safe.
template <typename State, typename Verb, typename Place, typename Actor, size_t kSize>
class StateTable {
 public:
  using Row = Transition<State, Verb, Place, Actor>;

  constexpr explicit StateTable(const Row (&rows)[kSize]) {
    for (size_t i = 0; i < kSize; ++i) rows_[i] = rows[i];
  }

  constexpr const Row (&rows() const)[kSize] { return rows_; }

  // Returns the row for `verb` in `state`; null if it is not allowed.
  constexpr const Row* Find(State state, Verb verb) const {
    for (const Row& row : rows_) {
      if (row.from == state && row.verb == verb) return &row;
    }
    return nullptr;
  }

  // Returns the first row for `verb`, whose permission and places every row for it shares.
  constexpr const Row* FindVerb(Verb verb) const {
    for (const Row& row : rows_) {
      if (row.verb == verb) return &row;
    }
    return nullptr;
  }

  // Checks that `verb` is allowed in `state`. FAILED_PRECONDITION, `STATE_NOT_ALLOWED`; metadata:
  // `state`, `verb`, `allowed`.
  absl::Status CheckAllowed(absl::string_view name, State state, Verb verb) const {
    if (Find(state, verb) != nullptr) return absl::OkStatus();
    std::vector<std::string> allowed;
    for (const Row& row : rows_) {
      if (row.from == state) allowed.push_back(std::string(ToName(row.verb)));
    }
    const std::string verbs = allowed.empty() ? "nothing" : absl::StrJoin(allowed, ", ");
    return status::MakeError(absl::StatusCode::kFailedPrecondition,
                             absl::StrCat(name, " is ", ToName(state), ", which does not allow ",
                                          ToName(verb), "; it allows ", verbs),
                             {.reason = "STATE_NOT_ALLOWED",
                              .metadata = {{"resource", std::string(name)},
                                           {"state", std::string(ToName(state))},
                                           {"verb", std::string(ToName(verb))},
                                           {"allowed", absl::StrJoin(allowed, ",")}}});
  }

  // Checks that `caller` took none of the steps that bar from `verb`. `actors` says who took which.
  // FAILED_PRECONDITION, `FOUR_EYES_REQUIRED`; metadata: `verb`.
  absl::Status CheckFourEyes(absl::string_view name, State state, Verb verb,
                             absl::string_view caller,
                             const std::vector<std::pair<Actor, std::string>>& actors) const {
    const Row* row = Find(state, verb);
    for (const auto& [actor, who] : actors) {
      if (row == nullptr || who != caller || !row->barred.contains(actor)) continue;
      return status::MakeError(
          absl::StatusCode::kFailedPrecondition,
          absl::StrCat("you took an earlier step of ", name, "; ", ToName(verb),
                       " needs somebody else"),
          {.reason = "FOUR_EYES_REQUIRED",
           .metadata = {{"resource", std::string(name)}, {"verb", std::string(ToName(verb))}}});
    }
    return absl::OkStatus();
  }

  // Returns what can be done in `state`, for the list of what waits for whom.
  std::vector<Task> TasksIn(State state, const std::vector<std::pair<Place, std::string>>& places,
                            const std::vector<std::pair<Actor, std::string>>& actors) const {
    std::vector<Task> tasks;
    for (const Row& row : rows_) {
      if (row.from != state) continue;
      Task& task = tasks.emplace_back();
      task.verb = std::string(ToName(row.verb));
      task.permission = std::string(row.permission);
      for (const auto& [place, unit] : places) {
        if (row.places.contains(place)) Add(unit, task.units);
      }
      for (const auto& [actor, who] : actors) {
        if (row.barred.contains(actor) && !who.empty()) Add(who, task.barred_actors);
      }
    }
    return tasks;
  }

  // Tells whether every one of `states` can be reached from `initial`, no verb stands twice for one
  // state, and every row leads somewhere: for a static_assert beside the table.
  constexpr bool IsSound(State initial, std::initializer_list<State> states) const {
    EnumSet<State> reached = {initial};
    for (size_t pass = 0; pass < kSize; ++pass) {
      for (const Row& row : rows_) {
        if (!reached.contains(row.from)) continue;
        for (const State state : states) {
          if (row.to.contains(state)) reached.insert(state);
        }
      }
    }
    for (const State state : states) {
      if (!reached.contains(state)) return false;
    }
    for (const Row& row : rows_) {
      if (row.to == EnumSet<State>() || row.places == EnumSet<Place>()) return false;
      if (Find(row.from, row.verb) != &row) return false;
    }
    return true;
  }

 private:
  static void Add(const std::string& value, std::vector<std::string>& values) {
    if (std::ranges::find(values, value) == values.end()) values.push_back(value);
  }

  Row rows_[kSize] = {};
};

template <typename State, typename Verb, typename Place, typename Actor, size_t kSize>
StateTable(const Transition<State, Verb, Place, Actor> (&)[kSize])
    -> StateTable<State, Verb, Place, Actor, kSize>;

}  // namespace quartermaster::document
