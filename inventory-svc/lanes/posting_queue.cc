#include "inventory-svc/lanes/posting_queue.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "platform/base/check.h"

namespace quartermaster::inventory {
namespace {

int LineCount(const PendingPosting& posting) {
  return static_cast<int>(posting.lines.resolved.size());
}

}  // namespace

PostingGroup::PostingGroup(std::vector<PendingPosting> waiting, absl::Time until, Done on_answer)
    : postings(std::move(waiting)), deadline(until), done(std::move(on_answer)) {
  QM_CHECK(!postings.empty());
}

void PostingGroup::Answer(Answers with) {
  if (has_answer.exchange(true, std::memory_order_acq_rel)) return;
  // What it holds on to ends with the call.
  Done once = std::move(done);
  once(std::move(with));
}

class PostingQueue::Filling {
 public:
  explicit Filling(const TurnLimits& limits) : limits_(limits) {}

  bool is_full() const { return static_cast<int>(taken_.turn.size()) >= limits_.postings_max; }

  // Tells whether `posting` may come too.
  bool HasRoomFor(const PendingPosting& posting) const {
    if (taken_.turn.empty()) return true;
    if (line_count_ + LineCount(posting) > limits_.lines_max) return false;
    absl::flat_hash_set<BalanceKey> more;
    for (const ResolvedLine& line : posting.lines.resolved) {
      for (const BalanceKey& key : {line.source, line.destination}) {
        if (!balances_.contains(key)) more.insert(key);
      }
    }
    return static_cast<int>(balances_.size() + more.size()) <= limits_.balances_max;
  }

  void Take(const PendingPosting& posting, std::shared_ptr<PostingGroup> group) {
    for (const ResolvedLine& line : posting.lines.resolved) {
      balances_.insert(line.source);
      balances_.insert(line.destination);
    }
    line_count_ += LineCount(posting);
    taken_.turn.push_back(&posting);
    taken_.groups.push_back(std::move(group));
  }

  TakenTurn Finish() && { return std::move(taken_); }

 private:
  const TurnLimits limits_;
  TakenTurn taken_;
  absl::flat_hash_set<BalanceKey> balances_;
  int line_count_ = 0;
};

void PostingQueue::Add(std::shared_ptr<PostingGroup> group) {
  const std::string& name = group->postings.front().movement.caller;
  auto place = places_.find(name);
  if (place == places_.end()) {
    callers_.push_back({.name = name});
    place = places_.emplace(name, std::prev(callers_.end())).first;
  }
  int line_count = 0;
  for (const PendingPosting& posting : group->postings) line_count += LineCount(posting);
  postings_.Take(name, static_cast<int64_t>(group->postings.size()));
  lines_.Take(name, line_count);
  place->second->groups.push_back(std::move(group));
}

void PostingQueue::CountOut(const Caller& caller, const PendingPosting& posting) {
  postings_.Leave(caller.name);
  lines_.Leave(caller.name, LineCount(posting));
}

void PostingQueue::CountOut(const Caller& caller, const PostingGroup& group, size_t from) {
  for (size_t i = from; i < group.postings.size(); ++i) CountOut(caller, group.postings[i]);
}

const PendingPosting* PostingQueue::FindNext(Caller& caller) {
  while (!caller.groups.empty()) {
    const PostingGroup& group = *caller.groups.front();
    if (group.is_in_turn) return nullptr;
    if (!group.is_answered()) return &group.postings[group.taken_count];
    CountOut(caller, group, group.taken_count);
    caller.groups.pop_front();
  }
  return nullptr;
}

TakenTurn PostingQueue::Take(const TurnLimits& limits) {
  struct Taker {
    Place place;
    int taken_count = 0;
    bool is_open = true;
  };
  std::vector<Taker> takers;
  for (Place place = callers_.begin(); place != callers_.end(); ++place) {
    if (FindNext(*place) != nullptr) takers.push_back({place});
  }
  Filling filling(limits);
  size_t open_count = takers.size();
  const int share_max = std::max(1, limits.postings_max / 4);
  for (bool has_moved = true; has_moved;) {
    has_moved = false;
    for (Taker& taker : takers) {
      if (!taker.is_open || filling.is_full()) continue;
      if (taker.taken_count >= share_max && open_count > 1) continue;
      Caller& caller = *taker.place;
      const PendingPosting* const posting = FindNext(caller);
      if (posting == nullptr || !filling.HasRoomFor(*posting)) {
        taker.is_open = false;
        --open_count;
        continue;
      }
      const std::shared_ptr<PostingGroup> group = caller.groups.front();
      filling.Take(*posting, group);
      CountOut(caller, *posting);
      if (++group->taken_count == group->postings.size()) caller.groups.pop_front();
      ++taker.taken_count;
      has_moved = true;
    }
  }
  // Who was served goes to the back, who was not stays in front.
  for (const Taker& taker : takers) {
    if (taker.taken_count == 0) continue;
    Caller& caller = *taker.place;
    if (caller.groups.empty()) {
      places_.erase(caller.name);
      callers_.erase(taker.place);
      continue;
    }
    if (caller.groups.front()->taken_count > 0) caller.groups.front()->is_in_turn = true;
    callers_.splice(callers_.end(), callers_, taker.place);
  }
  return std::move(filling).Finish();
}

void PostingQueue::Return(const TakenTurn& taken) {
  for (const std::shared_ptr<PostingGroup>& group : taken.groups) group->is_in_turn = false;
}

std::vector<std::shared_ptr<PostingGroup>> PostingQueue::TakeLate(absl::Time now) {
  std::vector<std::shared_ptr<PostingGroup>> late;
  for (Place place = callers_.begin(); place != callers_.end();) {
    std::erase_if(place->groups, [&](std::shared_ptr<PostingGroup>& group) {
      if (group->is_in_turn || group->deadline > now) return false;
      CountOut(*place, *group, group->taken_count);
      late.push_back(std::move(group));
      return true;
    });
    const Place here = place++;
    if (here->groups.empty()) {
      places_.erase(here->name);
      callers_.erase(here);
    }
  }
  return late;
}

bool PostingQueue::HasTurn() const {
  return std::ranges::any_of(callers_, [](const Caller& caller) {
    return !caller.groups.empty() && !caller.groups.front()->is_in_turn;
  });
}

}  // namespace quartermaster::inventory
