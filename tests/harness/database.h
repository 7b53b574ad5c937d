#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "platform/mysql/migrate.h"
#include "platform/mysql/pool.h"

namespace quartermaster::testing {

// A database of its own, with a random name, whose schema the shipped migrations made. Dropped when
// it goes. Thread-safe once made.
class TestDatabase {
 public:
  // Makes one on the server that `server` leads to.
  static absl::StatusOr<std::unique_ptr<TestDatabase>> Create(
      const mysql::ConnectionOptions& server, const std::vector<mysql::Migration>& migrations);
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  // Leads to this database.
  const mysql::ConnectionOptions& options() const { return options_; }
  const std::string& name() const { return options_.database; }
  // Eight connections.
  mysql::Pool& pool() { return *pool_; }

  // Deletes the rows of all tables but the record of the migrations, and starts AUTO_INCREMENT
  // anew. Rows that the migrations put in go too, from tables other than those in `kept`.
  void ClearTables(const std::vector<std::string>& kept = {});

 private:
  TestDatabase() = default;

  mysql::ConnectionOptions options_;
  std::unique_ptr<mysql::Pool> pool_;
};

// Returns how to reach the server of the CTest fixture `mariadb`. Ends the test program, loudly, if
// that is not running: a test without its database fails, it is not skipped.
mysql::ConnectionOptions FixtureServer();

// Returns the database of this test program with that schema, made at the first call and dropped
// when the program ends. One for each list of migrations.
TestDatabase& SharedDatabase(const std::vector<mysql::Migration>& migrations);

// Drops the shared databases; `main` does so after the last test.
void DropSharedDatabases();

}  // namespace quartermaster::testing
