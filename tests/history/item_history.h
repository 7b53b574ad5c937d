#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "platform/base/mutex.h"

namespace quartermaster::testing {

// Stands for the accounts outside, which hold whatever is taken from them.
inline constexpr int kOutside = -1;

// One line of a posting: a quantity out of one account of the item into another.
struct StockStep {
  // Places in `ItemHistory::accounts`, or `kOutside`.
  int source = kOutside;
  int destination = kOutside;
  int64_t quantity = 0;

  friend bool operator==(const StockStep&, const StockStep&) = default;
};

// One question to the ledger and what its asker knows of the answer.
struct Operation {
  enum class Kind { kPost, kRead };
  enum class Outcome {
    // A posting that was acknowledged, or a read that was answered.
    kDone,
    // A posting that was refused for want of stock: it changed nothing.
    kRefused,
    // Nobody knows: it takes effect at any time after it was asked, or never.
    kUnknown
  };

  Kind kind = Kind::kPost;
  Outcome outcome = Outcome::kUnknown;
  // Who asked, for the reader of a counterexample.
  std::string asker;
  // When it was asked for the first time, and when the answer was there, on one clock that never
  // runs back. Without an answer the latter has no meaning.
  absl::Duration invoke_time;
  absl::Duration return_time;
  // Of a posting: all of them or none.
  std::vector<StockStep> steps;
  // Of a refusal: which step found too little, from 0, and what it found.
  size_t short_step = 0;
  int64_t available = 0;
  // Of a read: what it was told of as many accounts, beginning with that one.
  int first_account = 0;
  std::vector<int64_t> amounts;
  // A refusal of the same request, by a repetition: had this one taken effect before it, it would
  // have been acknowledged then.
  std::optional<size_t> not_before;
};

// All that was asked about one item, from when its accounts held `initial_amounts`.
struct ItemHistory {
  std::string item;
  std::vector<std::string> accounts;
  std::vector<int64_t> initial_amounts;
  std::vector<Operation> operations;
};

// Takes down a history while several clerks make it. Thread-safe.
class HistoryRecorder {
 public:
  // All accounts are empty when it begins. It is full after `operations_max`, so that its check
  // ends in seconds; clerks go on to another item then.
  HistoryRecorder(std::string item, std::vector<std::string> accounts, size_t operations_max);

  // Time since some moment before the first recorder was made, on the steady clock.
  static absl::Duration Now();

  // Takes down an operation; returns its place, for those below if its outcome is not known yet.
  size_t Add(Operation operation);
  // Writes the answer to an operation: everything but its kind, its steps and when it was asked.
  void Acknowledge(size_t place, absl::Duration return_time);
  void Refuse(size_t place, absl::Duration return_time, size_t short_step, int64_t available);
  // Takes down that a repetition of the operation was refused, asked and answered then. It stays
  // open whether an attempt before that one takes effect.
  void RefuseRepetition(size_t place, absl::Duration invoke_time, absl::Duration return_time,
                        size_t short_step, int64_t available);

  bool is_full() const;
  const std::string& item() const { return item_; }
  const std::vector<std::string>& accounts() const { return accounts_; }
  // Returns what was taken down, in the order of asking.
  ItemHistory history() const;

 private:
  const std::string item_;
  const std::vector<std::string> accounts_;
  const size_t operations_max_;
  mutable base::Mutex mutex_;
  ItemHistory history_ ABSL_GUARDED_BY(mutex_);
};

// Renders an operation on one line, for people.
std::string Describe(const ItemHistory& history, size_t place);

}  // namespace quartermaster::testing
