#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/mysql/durability.h"
#include "platform/mysql/options.h"
#include "platform/mysql/rows.h"
#include "platform/mysql/value.h"

namespace quartermaster::mysql {

// Errors that someone has to be woken for. Read any time.
struct AlertCounters {
  // CHECKs of the database that saw what the domain should have refused.
  std::atomic<int64_t> check_violated_count = 0;
  // Writes that found no room.
  std::atomic<int64_t> storage_full_count = 0;
};

// One session with the database: utf8mb4 with binary collation, UTC, READ COMMITTED, strict.
//
// Statements outside a transaction commit by themselves. Transactions are begun and ended by
// `InTransaction` and `InSnapshot` alone (transaction.h): the connector's own `commit()` reports
// success on a dead link, and no statement text here may begin or end one.
//
// A connection that met an error after which nobody knows the session's state is not `usable()`
// any more and answers UNAVAILABLE from then on. Results are read to their end before a call
// returns. Errors are those of `MakeMysqlError`.
//
// Not thread-safe: one owner at a time, checked.
class Connection {
 public:
  // Connects, sets the session up and looks at what it got. INVALID_ARGUMENT for options that
  // `CheckOptions` refuses; UNAVAILABLE if there is no server, or one that is not what the options
  // ask for (a link in the clear although `ssl_ca` is given, another isolation than we set).
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const ConnectionOptions& options);

  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Runs one statement that gives rows. With `params` it is prepared once and kept for reuse, so
  // its text should be one of few. A CALL cannot have any. Floating point is refused.
  absl::StatusOr<Rows> Query(absl::string_view sql, std::vector<Value> params = {});

  // Runs one statement that changes rows, and returns how many it matched (an UPDATE that sets
  // what was there already counts too).
  absl::StatusOr<int64_t> Execute(absl::string_view sql, std::vector<Value> params = {});

  // Runs several statements in one round trip and returns a result for each, empty for those that
  // give no rows. Stops at the first that fails, whose error it returns; those before it have taken
  // effect in the transaction that is open. No CALL.
  absl::StatusOr<std::vector<Rows>> ExecuteBatch(const std::vector<Statement>& statements);

  // The same, and commits in that round trip: the last act of a body of `InTransaction`.
  absl::StatusOr<std::vector<Rows>> ExecuteBatchAndCommit(const std::vector<Statement>& statements);

  // Stops `Query` and the SELECTs of a batch from then on at `deadline`, in the server:
  // DEADLINE_EXCEEDED. Changes are not stopped, and neither is COMMIT.
  void set_read_deadline(absl::Time deadline) { read_deadline_ = deadline; }

  // Asks the server whether it is still there: one round trip.
  bool Ping();

  // False once an error has made the session's state uncertain.
  bool usable() const { return usable_; }
  // How often it asked the server and waited, for whatever. A turn of the ledger promises how
  // often.
  int64_t round_trip_count() const { return round_trip_count_; }
  // The server's number for this session, as in its process list.
  int64_t session_id() const { return session_id_; }
  // Names the server; two connections with the same name lead to the same one.
  const std::string& server_name() const { return server_name_; }
  // The cipher of the link; empty in the clear.
  const std::string& ssl_cipher() const { return ssl_cipher_; }
  // What the server was found to be when this connection opened.
  const DurabilityReport& durability() const { return durability_; }
  // What the connection was opened with.
  const ConnectionOptions& options() const;

 private:
  friend class TransactionRun;
  friend class Pool;
  struct Link;
  class Busy;

  enum class TransactionState {
    kNone,       // statements commit by themselves
    kPending,    // begins with the next statement, in its round trip where that is possible
    kOpen,       // until COMMIT or ROLLBACK was answered
    kBroken,     // the server rolled back, or only part of it: nothing but ROLLBACK may follow
    kCommitted,  // by `ExecuteBatchAndCommit`: nothing may follow
    kCommitOpen  // COMMIT was sent and its answer never came
  };

  explicit Connection(std::unique_ptr<Link> link);
  absl::Status SetUp();

  // For `TransactionRun`.
  void BeginLazily(std::vector<Statement> begin);
  absl::Status Commit();
  absl::Status Rollback();
  TransactionState transaction_state() const { return transaction_state_; }

  absl::Status Ready();
  absl::Status BeginNow();
  // Returns `statement` so that the server stops it at the read deadline. DEADLINE_EXCEEDED if that
  // has come.
  absl::StatusOr<Statement> LimitTime(Statement statement) const;
  absl::StatusOr<std::vector<Rows>> RunBatch(const std::vector<Statement>& statements,
                                             bool has_commit);
  absl::StatusOr<Rows> RunText(const std::string& sql, int64_t& affected);
  absl::StatusOr<Rows> RunPrepared(const std::string& sql, const std::vector<Value>& params,
                                   int64_t& affected);
  void CountAlert(int errno_code);
  // Takes the consequences of an error for this session, and returns it.
  absl::Status Failed(int errno_code, absl::string_view message, bool has_commit = false);

  std::unique_ptr<Link> link_;
  std::atomic<bool> busy_ = false;
  bool usable_ = true;
  bool is_mariadb_ = true;
  int64_t session_id_ = 0;
  int64_t round_trip_count_ = 0;
  std::string server_name_;
  std::string ssl_cipher_;
  DurabilityReport durability_;
  // Where the pool counts; null for a connection of its own.
  AlertCounters* alerts_ = nullptr;
  absl::Time read_deadline_ = absl::InfiniteFuture();
  TransactionState transaction_state_ = TransactionState::kNone;
  std::vector<Statement> begin_;
  // What broke the transaction, answered to every further statement of it.
  absl::Status broken_by_;
};

// Gives this thread what the client library keeps for each thread, and frees it at the end. One on
// the stack of every thread that uses connections.
class DatabaseThread {
 public:
  DatabaseThread();
  ~DatabaseThread();
  DatabaseThread(const DatabaseThread&) = delete;
  DatabaseThread& operator=(const DatabaseThread&) = delete;
};

}  // namespace quartermaster::mysql
