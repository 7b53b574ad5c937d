#include "platform/mysql/transaction.h"

#include <algorithm>
#include <optional>

#include "absl/random/random.h"
#include "absl/time/clock.h"
#include "platform/base/status_macros.h"
#include "platform/mysql/error.h"
#include "platform/mysql/unknown_outcome.h"
#include "platform/status/error.h"

namespace quartermaster::mysql {
namespace {

// A short random wait, longer each time, so that two transactions do not meet again in step.
void PauseBeforeRerun(int rerun) {
  thread_local absl::InsecureBitGen random;
  absl::SleepFor(absl::Microseconds(absl::Uniform(random, 500, 5000)) * rerun);
}

bool WantsRerun(const absl::Status& status, const TransactionOptions& options) {
  if (!options.reruns_lock_waits && IsLockWait(status)) return false;
  return IsRunAgain(status);
}

// Tells whether a body that failed so may have failed before it could look its request id up.
bool MayHaveSeenNothing(const absl::Status& status) {
  return GetErrno(status) != 0 || IsRunAgain(status) || absl::IsUnavailable(status) ||
         absl::IsDeadlineExceeded(status) || absl::IsResourceExhausted(status);
}

}  // namespace

// One call of `InTransaction`: the attempts it takes.
class TransactionRun {
 public:
  TransactionRun(Pool& pool, absl::Time deadline, TransactionBody body,
                 const TransactionOptions& options)
      : pool_(pool), deadline_(deadline), body_(body), options_(options) {}

  absl::Status Run() {
    for (int attempt = 0;; ++attempt) {
      const absl::Status status = Attempt();
      if (status.ok()) return status;
      const bool may_rerun = attempt < options_.rerun_count_max;
      if (commit_open_now_) {
        QM_RETURN_IF_ERROR(Resolve(may_rerun));
      } else if (!may_rerun || !WantsRerun(status, options_)) {
        return GiveUp(status);
      } else {
        PauseBeforeRerun(attempt + 1);
      }
      pool_.transaction_counters().rerun_count += 1;
    }
  }

  static absl::Status RunSnapshot(Pool& pool, absl::Time deadline, TransactionBody body) {
    QM_ASSIGN_OR_RETURN(Lease lease, pool.Acquire(deadline));
    lease->set_read_deadline(deadline);
    lease->BeginLazily({{"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"},
                        {"START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"}});
    absl::Status status = body(*lease);
    // Nothing was written, so however this ends the answer stands.
    lease->Rollback().IgnoreError();
    return status;
  }

 private:
  absl::Status Attempt() {
    commit_open_now_ = false;
    QM_ASSIGN_OR_RETURN(Lease lease, pool_.Acquire(deadline_));
    // Only the server that lost the session knows what became of its work.
    if (lost_.has_value() && lease->server_name() != lost_->server_name) {
      return status::OutcomeUnknown();
    }
    lease->set_read_deadline(deadline_);
    lease->BeginLazily({{"START TRANSACTION"}});
    absl::Status status = body_(*lease);
    if (status.ok()) status = lease->Commit();
    if (lease->transaction_state() == Connection::TransactionState::kCommitOpen) {
      commit_open_now_ = true;
      lost_ = LostSession{lease->session_id(), lease->server_name()};
    } else if (!status.ok() &&
               lease->transaction_state() == Connection::TransactionState::kCommitted) {
      // The body committed and then failed: it broke its promise, but the work is in.
      return status::Internal("the body of a transaction failed after it had committed");
    } else if (!status.ok()) {
      // If this fails the connection is closed, and the server rolls back by itself.
      lease->Rollback().IgnoreError();
    }
    return status;
  }

  // Makes sure that the lost COMMIT has come to its end, so that the next attempt sees it.
  absl::Status Resolve(bool may_rerun) {
    pool_.transaction_counters().commit_open_count += 1;
    const absl::Time until = absl::Now() + options_.commit_resolution_max;
    const absl::Status ended =
        may_rerun ? AwaitEnd(pool_, *lost_, until) : status::OutcomeUnknown();
    if (!ended.ok()) return GiveUp(ended);
    // The rest is for learning the truth, which is owed even to a caller who waits no longer.
    deadline_ = std::max(deadline_, absl::Now() + options_.commit_resolution_max);
    return absl::OkStatus();
  }

  absl::Status GiveUp(const absl::Status& status) {
    if (lost_.has_value() && MayHaveSeenNothing(status)) {
      pool_.transaction_counters().outcome_unknown_count += 1;
      return status::OutcomeUnknown();
    }
    if (IsRunAgain(status)) pool_.transaction_counters().contention_count += 1;
    return status;
  }

  Pool& pool_;
  absl::Time deadline_;
  const TransactionBody body_;
  const TransactionOptions options_;
  bool commit_open_now_ = false;
  // The session lost in a COMMIT of an earlier attempt.
  std::optional<LostSession> lost_;
};

absl::Status InTransaction(Pool& pool, absl::Time deadline, TransactionBody body,
                           const TransactionOptions& options) {
  return TransactionRun(pool, deadline, body, options).Run();
}

absl::Status ExecuteRepeatable(Pool& pool, Connection& connection,
                               const std::vector<Statement>& statements,
                               const TransactionOptions& options) {
  for (int attempt = 0;; ++attempt) {
    absl::Status status = connection.ExecuteBatch(statements).status();
    if (status.ok() || !WantsRerun(status, options)) return status;
    if (attempt >= options.rerun_count_max) {
      pool.transaction_counters().contention_count += 1;
      return status;
    }
    PauseBeforeRerun(attempt + 1);
    pool.transaction_counters().rerun_count += 1;
  }
}

absl::Status InSnapshot(Pool& pool, absl::Time deadline, TransactionBody body) {
  return TransactionRun::RunSnapshot(pool, deadline, body);
}

}  // namespace quartermaster::mysql
