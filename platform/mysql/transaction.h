#pragma once

#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/mysql/connection.h"
#include "platform/mysql/pool.h"

namespace quartermaster::mysql {

// The limits of a transaction; the defaults are for all but tests.
struct TransactionOptions {
  // How often a body is run again after a deadlock, a lock wait, a lost race or a lost COMMIT.
  int rerun_count_max = 3;
  // Whether one that waited too long for a row lock is run again. Where many wait for its answer
  // they had better be told at once.
  bool reruns_lock_waits = true;
  // How long to look for a session that was lost in its COMMIT until it is seen to be gone.
  absl::Duration commit_resolution_max = absl::Seconds(10);
};

// What a transaction does. It may be run several times, from the start, so it touches nothing but
// the connection and its own variables; it looks its request id up first; it returns the errors of
// the connection unchanged unless it decides otherwise.
using TransactionBody = absl::FunctionRef<absl::Status(Connection&)>;

// Runs `body` in a READ COMMITTED transaction and commits it. All of it has taken effect, durably,
// when OK is returned, and nothing of it when another error than `OUTCOME_UNKNOWN` is.
//
// - A deadlock, a lock wait or `RunAgain` rolls back and runs the body again, after a short random
//   wait; after the third rerun in vain it is ABORTED `CONTENTION`.
// - When the link is lost in the COMMIT, the old session is killed from a fresh connection and
//   waited for until it is gone; only then is the body run again, to find what it wrote or to write
//   it anew. If the session cannot be seen to be gone: UNAVAILABLE `OUTCOME_UNKNOWN`.
// - Any other error of the body rolls back and is returned.
// - `deadline` bounds the wait for a connection and each `Query`; COMMIT has no limit of its own.
absl::Status InTransaction(Pool& pool, absl::Time deadline, TransactionBody body,
                           const TransactionOptions& options = {});

// Runs statements outside of a transaction, each of which commits by itself and may be repeated, in
// one round trip; all of them again, after a short random wait, when one met a deadlock, as often
// and for the same reasons as `InTransaction` runs a body again. Then ABORTED `CONTENTION`.
absl::Status ExecuteRepeatable(Pool& pool, Connection& connection,
                               const std::vector<Statement>& statements,
                               const TransactionOptions& options = {});

// Runs `body` in a read-only transaction that sees one state of the database throughout. Never run
// again. The snapshot holds back the server's purge: `deadline` should be near.
absl::Status InSnapshot(Pool& pool, absl::Time deadline, TransactionBody body);

}  // namespace quartermaster::mysql
