#include "inventory-svc/domain/posting_turn.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "inventory-svc/domain/posting_rules.h"
#include "platform/status/error.h"

namespace quartermaster::inventory {
namespace {

using PaperKey = std::tuple<std::string, std::string, int32_t>;

PaperKey ToKey(const SourceDocument& paper) { return {paper.issuer, paper.number, paper.line}; }

template <typename T>
void SortAndDrop(std::vector<T>& values) {
  std::ranges::sort(values);
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

// One pass over a turn.
class Decider {
 public:
  Decider(const Found& found, absl::Time now, absl::FunctionRef<base::Uuid()> next_id)
      : found_(found), now_(now), next_id_(next_id), balances_(found.balances) {
    for (const auto& [paper, movement_id] : found.papers) papers_[ToKey(paper)] = movement_id;
  }

  void Decide(const PendingPosting& posting) {
    decision_.answers.push_back(absl::UnknownError("not decided"));
    PostingAnswer& answer = decision_.answers.back();
    if (posting.HasOwnRequest()) {
      if (std::optional<PostingAnswer> earlier = FindEarlier(posting); earlier.has_value()) {
        answer = *std::move(earlier);
        return;
      }
    }
    if (!posting.refusal.ok()) {
      answer = posting.refusal;
      return;
    }
    if (IsPaperTaken(posting)) return;
    absl::StatusOr<Posting> posted =
        balances_.Post(posting.lines.resolved, posting.lines.named, now_, posting.not_before);
    if (!posted.ok()) {
      answer = std::move(posted).status();
    } else if (posted->shortage.has_value()) {
      decision_.shortages.push_back({decision_.answers.size() - 1, *std::move(posted->shortage)});
    } else {
      answer = Write(posting, posted->record_time);
    }
  }

  TurnDecision Finish() && {
    decision_.record.balances_after = balances_.Changed();
    std::ranges::sort(decision_.record.movements, [](const auto& a, const auto& b) {
      return std::tie(a.movement.caller, a.request_id) < std::tie(b.movement.caller, b.request_id);
    });
    return std::move(decision_);
  }

 private:
  // Returns what the posting's request did before, in the books or in this turn.
  std::optional<PostingAnswer> FindEarlier(const PendingPosting& posting) const {
    const auto refused = [&] { return status::RequestIdReused(posting.request_id.ToString()); };
    if (const auto in_books = found_.requests.find(posting.Key());
        in_books != found_.requests.end()) {
      const EarlierRequest& earlier = in_books->second;
      const bool is_same =
          earlier.movement.has_value() && earlier.content_hash == posting.content_hash;
      return is_same ? PostingAnswer(*earlier.movement) : PostingAnswer(refused());
    }
    if (const auto here = requests_.find(posting.Key()); here != requests_.end()) {
      const bool is_same = here->second.content_hash == posting.content_hash;
      return is_same ? decision_.answers[here->second.place] : PostingAnswer(refused());
    }
    return std::nullopt;
  }

  bool IsPaperTaken(const PendingPosting& posting) {
    if (!posting.movement.source_document.has_value()) return false;
    const auto paper = papers_.find(ToKey(*posting.movement.source_document));
    if (paper == papers_.end()) return false;
    TurnDecision::TakenPaper taken{.posting = decision_.answers.size() - 1,
                                   .movement_id = paper->second};
    for (const PostingAnswer& answer : decision_.answers) {
      if (answer.ok() && answer->movement_id == paper->second) taken.lines = answer->lines;
    }
    decision_.taken_papers.push_back(std::move(taken));
    return true;
  }

  Movement Write(const PendingPosting& posting, absl::Time record_time) {
    MovementRecord record{.movement = posting.movement,
                          .request_id = posting.request_id,
                          .content_hash = posting.content_hash,
                          .lines = posting.lines.resolved,
                          .method = posting.call.method,
                          .trace_id = posting.call.trace.trace_id};
    record.movement.movement_id = next_id_();
    record.movement.record_time = record_time;
    record.movement.lines = posting.lines.named;
    if (posting.HasOwnRequest()) {
      requests_[posting.Key()] = {decision_.answers.size() - 1, posting.content_hash};
    }
    if (posting.movement.source_document.has_value()) {
      papers_[ToKey(*posting.movement.source_document)] = record.movement.movement_id;
    }
    decision_.record.movements.push_back(std::move(record));
    return decision_.record.movements.back().movement;
  }

  // A request that this turn posts: which answer is its, and for what content.
  struct PostedHere {
    size_t place = 0;
    base::Sha256Digest content_hash = {};
  };

  const Found& found_;
  const absl::Time now_;
  const absl::FunctionRef<base::Uuid()> next_id_;
  RunningBalances balances_;
  std::map<RequestKey, PostedHere> requests_;
  std::map<PaperKey, base::Uuid> papers_;
  TurnDecision decision_;
};

}  // namespace

std::vector<BalanceKey> ResolvedLines::Balances() const {
  std::vector<BalanceKey> keys;
  keys.reserve(resolved.size() * 2);
  for (const ResolvedLine& line : resolved) {
    keys.push_back(line.source);
    keys.push_back(line.destination);
  }
  SortAndDrop(keys);
  return keys;
}

Wanted WantedBy(const Turn& turn) {
  Wanted wanted;
  for (const PendingPosting* posting : turn) {
    for (const ResolvedLine& line : posting->lines.resolved) {
      wanted.balances.push_back(line.source);
      wanted.balances.push_back(line.destination);
    }
    if (posting->HasOwnRequest()) wanted.requests.push_back(posting->Key());
    if (posting->movement.source_document.has_value()) {
      wanted.papers.push_back(*posting->movement.source_document);
    }
  }
  SortAndDrop(wanted.balances);
  SortAndDrop(wanted.requests);
  std::ranges::sort(wanted.papers, {}, ToKey);
  wanted.papers.erase(std::unique(wanted.papers.begin(), wanted.papers.end()), wanted.papers.end());
  return wanted;
}

TurnDecision DecideTurn(const Turn& turn, const Found& found, absl::Time now,
                        absl::FunctionRef<base::Uuid()> next_id) {
  Decider decider(found, now, next_id);
  for (const PendingPosting* posting : turn) decider.Decide(*posting);
  return std::move(decider).Finish();
}

}  // namespace quartermaster::inventory
