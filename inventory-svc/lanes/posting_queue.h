#pragma once

#include <atomic>
#include <deque>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "inventory-svc/domain/posting_turn.h"
#include "platform/base/fair_share.h"

namespace quartermaster::inventory {

// The postings of one call, which are decided in their order, though not always in one turn, and
// answered together. Shared by the queue, the lane at work on it, and whoever watches its deadline.
struct PostingGroup {
  // An error if none of them was decided.
  using Answers = absl::StatusOr<std::vector<PostingAnswer>>;
  using Done = absl::AnyInvocable<void(Answers)>;

  PostingGroup(std::vector<PendingPosting> waiting, absl::Time until, Done on_answer);

  // Answers the call, unless it was answered before. Thread-safe.
  void Answer(Answers with);
  bool is_answered() const { return has_answer.load(std::memory_order_acquire); }

  // All of one caller; never empty; not changed.
  const std::vector<PendingPosting> postings;
  const absl::Time deadline;
  // For the lane alone: what was decided so far, in order.
  std::vector<PostingAnswer> answers;
  // For the queue alone: how many postings were taken, and whether a lane is at work on some.
  size_t taken_count = 0;
  bool is_in_turn = false;

 private:
  std::atomic<bool> has_answer = false;
  Done done;
};

// What one turn may take.
struct TurnLimits {
  int postings_max = 256;
  // A movement with more comes alone.
  int balances_max = 900;
  int lines_max = 2000;
};

// What may wait, of all callers together.
struct QueueLimits {
  int postings_max = 2048;
  int lines_max = 50'000;
};

// What a lane does at one go.
struct TakenTurn {
  // Postings of many calls, in the order in which they are decided.
  Turn turn;
  // Which group each of them is of.
  std::vector<std::shared_ptr<PostingGroup>> groups;
};

// Postings that wait, each caller's in the order in which they came, callers in turn.
// Not thread-safe.
class PostingQueue {
 public:
  explicit PostingQueue(const QueueLimits& limits)
      : postings_(limits.postings_max), lines_(limits.lines_max) {}

  // Takes a group in. Whether there is room for it is for its caller to ask of `postings` and
  // `lines`.
  void Add(std::shared_ptr<PostingGroup> group);

  // Takes a turn: one posting of each caller after the other, and again, until a limit is reached.
  // One caller gets no more than a quarter of the places while postings of others wait. The rest of
  // a group stays behind for the next turn, and nobody takes of it before `Return`.
  TakenTurn Take(const TurnLimits& limits);

  // Gives back what a turn is done with.
  void Return(const TakenTurn& taken);

  // Takes out the groups, not at work, whose time has come.
  std::vector<std::shared_ptr<PostingGroup>> TakeLate(absl::Time now);

  // Tells whether `Take` would find anything.
  bool HasTurn() const;
  // What waits, by callers.
  const base::FairShare& postings() const { return postings_; }
  const base::FairShare& lines() const { return lines_; }
  int posting_count() const { return static_cast<int>(postings_.taken()); }
  int line_count() const { return static_cast<int>(lines_.taken()); }

 private:
  struct Caller {
    std::string name;
    std::deque<std::shared_ptr<PostingGroup>> groups;
  };
  using Place = std::list<Caller>::iterator;
  // A turn that is being filled.
  class Filling;

  // Returns the next posting of a caller; null if there is none, or a lane is at work on its group.
  // Drops groups that were answered meanwhile.
  const PendingPosting* FindNext(Caller& caller);
  void CountOut(const Caller& caller, const PendingPosting& posting);
  void CountOut(const Caller& caller, const PostingGroup& group, size_t from);

  // Whoever comes next is in front.
  std::list<Caller> callers_;
  absl::flat_hash_map<std::string, Place> places_;
  base::FairShare postings_;
  base::FairShare lines_;
};

}  // namespace quartermaster::inventory
