#pragma once

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/mysql/connection.h"
#include "tests/harness/mariadb_server.h"

namespace quartermaster::load {

// What inventory-svc has yet to do for writes that it answered: to seal their records, and to take
// them into the history. Not thread-safe.
class Backlog {
 public:
  // Looks at the books that a `testing::Stack` keeps in `database`.
  static absl::StatusOr<Backlog> Of(const testing::MariaDbServer& database);

  // Waits until nothing is left to do, so that what is measured next is not measured beside it.
  // DEADLINE_EXCEEDED if that takes longer than `patience`.
  absl::Status AwaitNone(absl::Duration patience = absl::Minutes(5));

 private:
  explicit Backlog(std::unique_ptr<mysql::Connection> connection)
      : connection_(std::move(connection)) {}

  std::unique_ptr<mysql::Connection> connection_;
};

}  // namespace quartermaster::load
