#include "inventory-svc/lanes/turn_runner.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "platform/base/status_macros.h"
#include "platform/status/error.h"

namespace quartermaster::inventory {
namespace {

constexpr absl::Duration kRetryAfter = absl::Milliseconds(200);

}  // namespace

std::vector<PostingAnswer> TurnRunner::Run(const Turn& turn) {
  std::vector<PostingAnswer> answers;
  answers.reserve(turn.size());
  int transactions_left = options_.transaction_count_max;
  RunPart(turn, transactions_left, answers);
  return answers;
}

void TurnRunner::RunPart(const Turn& turn, int& transactions_left,
                         std::vector<PostingAnswer>& answers) {
  if (transactions_left == 0) {
    answers.insert(answers.end(), turn.size(),
                   status::Overloaded("too many postings in one turn failed", kRetryAfter));
    return;
  }
  --transactions_left;
  absl::StatusOr<std::vector<PostingAnswer>> done = RunOnce(turn);
  if (done.ok()) {
    std::ranges::move(*done, std::back_inserter(answers));
    return;
  }
  if (turn.size() == 1 || !store_.MayBeOneMovementsFault(done.status())) {
    answers.insert(answers.end(), turn.size(), done.status());
    return;
  }
  ++split_count_;
  const auto middle = turn.begin() + static_cast<std::ptrdiff_t>(turn.size() / 2);
  RunPart(Turn(turn.begin(), middle), transactions_left, answers);
  RunPart(Turn(middle, turn.end()), transactions_left, answers);
}

absl::StatusOr<std::vector<PostingAnswer>> TurnRunner::RunOnce(const Turn& turn) {
  const absl::Time deadline = clock_.Now() + options_.time_max;
  QM_RETURN_IF_ERROR(store_.MakeBalances(deadline, WantedBy(turn).balances));
  std::vector<PostingAnswer> answers;
  QM_RETURN_IF_ERROR(store_.Atomically(deadline, [&](StockBook& book) -> absl::Status {
    QM_ASSIGN_OR_RETURN(answers, ledger_.PostTurn(book, turn, StockLedger::Ending::kCommit));
    return absl::OkStatus();
  }));
  return answers;
}

}  // namespace quartermaster::inventory
