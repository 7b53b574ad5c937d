#include "inventory-svc/api/post_movement.h"

#include <utility>
#include <vector>

#include "inventory-svc/api/ledger_codec.h"
#include "platform/base/status_macros.h"

namespace quartermaster::inventory {

absl::StatusOr<PendingPosting> PreparePosting(StockLedger& ledger, const base::Call& call,
                                              const v1::PostMovementRequest& request) {
  QM_ASSIGN_OR_RETURN(const PostMovementCommand command, ParsePostMovement(request));
  return ledger.PreparePosting(call, command);
}

absl::StatusOr<Movement> PostAlone(StockLedger& ledger, const base::Call& call,
                                   const v1::PostMovementRequest& request) {
  QM_ASSIGN_OR_RETURN(const PostMovementCommand command, ParsePostMovement(request));
  return ledger.PostMovement(call, command);
}

void PostOne(StockLedger& ledger, PostingLanes* lanes, const base::Call& call,
             const v1::PostMovementRequest& request,
             absl::AnyInvocable<void(const PostingAnswer&)> done) {
  if (lanes == nullptr) return done(PostAlone(ledger, call, request));
  absl::StatusOr<PendingPosting> posting = PreparePosting(ledger, call, request);
  if (!posting.ok()) return done(std::move(posting).status());
  std::vector<PendingPosting> postings;
  postings.push_back(*std::move(posting));
  lanes->Post(std::move(postings), call.deadline,
              [done = std::move(done)](PostingGroup::Answers answers) mutable {
                if (!answers.ok()) return done(std::move(answers).status());
                done(answers->front());
              });
}

}  // namespace quartermaster::inventory
