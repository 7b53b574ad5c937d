#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace quartermaster::mysql {

// The one place where a MySQL error number becomes a decision.
//
//   1213, 1205, 1020                        ABORTED `CONTENTION`: run the transaction again
//   1062, 1451, 1452                        INTERNAL unless the store decides otherwise: it asks
//                                           `DuplicateKeyName` or `GetErrno`
//   4025, 3819                              INTERNAL, an `Alert`: a CHECK saw what the domain
//                                           should have refused
//   1021, 1114, 28                          RESOURCE_EXHAUSTED `STORAGE_FULL`, an `Alert`
//   1969, 3024                              DEADLINE_EXCEEDED: the statement's time limit
//   lost link, shutdown, not ready, read-only  UNAVAILABLE `STORAGE_UNAVAILABLE`
//   anything else                           INTERNAL
//
// `message` is what the server said. What it quotes is kept only where that are names of ours: a
// value, which may be anyone's data, never leaves this function.
absl::Status MakeMysqlError(int errno_code, absl::string_view message);

// Returns the MySQL error number behind `status`; 0 if it did not come from the database.
int GetErrno(const absl::Status& status);

// Returns the name of the constraint that a duplicate key (1062) ran into, `PRIMARY` for the
// primary key; nothing for any other status.
std::optional<std::string> DuplicateKeyName(const absl::Status& status);

// Makes the error by which the body of a transaction asks to be rolled back and run again: it saw
// that a twin won the race, and will find the twin the next time. ABORTED `CONTENTION` if it comes
// to that too often.
absl::Status RunAgain(absl::string_view why);

// Tells whether the transaction that met `status` should be run again from its start.
bool IsRunAgain(const absl::Status& status);

// Tells whether the data of one row among many can have caused `status`: a duplicate key, a value
// that does not fit, a CHECK, or a lost race that is lost again and again.
bool MayBeOneRowsFault(const absl::Status& status);

// Tells whether `status` is that another transaction kept a row lock for too long.
bool IsLockWait(const absl::Status& status);

// Tells whether the connection that met the error number is of no more use: the link is gone, or
// leads to a server that takes no writes.
bool BreaksConnection(int errno_code);

// Tells whether the error number, met while a COMMIT was under way, leaves open whether it took
// effect: no answer came, or one from a session that was being killed.
bool LeavesCommitOpen(int errno_code);

// Why someone has to be woken.
enum class Alert {
  // A CHECK of the database saw what the domain should have refused.
  kCheckViolated,
  kStorageFull,
};

// Returns why someone has to be woken for an error number; nothing for most.
std::optional<Alert> FindAlert(int errno_code);

}  // namespace quartermaster::mysql
