#include "tests/harness/database.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"
#include "platform/base/uuid.h"
#include "tests/harness/fixture_state.h"

namespace quartermaster::testing {
namespace {

std::map<const void*, std::unique_ptr<TestDatabase>>& Shared() {
  static auto* const shared = new std::map<const void*, std::unique_ptr<TestDatabase>>;
  return *shared;
}

void ExpectOk(const absl::Status& status, const char* what) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s: %s\n", what, status.ToString().c_str());
  std::exit(1);
}

std::string RandomName() {
  static const base::SystemClock clock;
  std::string digits = base::UuidSource(clock).Next().ToString();
  digits.erase(std::remove(digits.begin(), digits.end(), '-'), digits.end());
  return absl::StrCat("qm_test_", digits);
}

}  // namespace

absl::StatusOr<std::unique_ptr<TestDatabase>> TestDatabase::Create(
    const mysql::ConnectionOptions& server, const std::vector<mysql::Migration>& migrations) {
  auto database = std::unique_ptr<TestDatabase>(new TestDatabase);
  mysql::ConnectionOptions options = server;
  QM_ASSIGN_OR_RETURN(const std::unique_ptr<mysql::Connection> connection,
                      mysql::Connection::Open(options));
  options.database = RandomName();
  QM_RETURN_IF_ERROR(connection
                         ->Execute(absl::StrCat("CREATE DATABASE ", options.database,
                                                " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"))
                         .status());
  database->options_ = options;
  database->pool_ =
      std::make_unique<mysql::Pool>(mysql::PoolOptions{.connection = options, .size_max = 8});
  QM_RETURN_IF_ERROR(
      mysql::Migrate({.connection = options}, migrations, [](const mysql::MigrationStep&) {}));
  return database;
}

TestDatabase::~TestDatabase() {
  if (options_.database.empty()) return;
  pool_.reset();
  mysql::ConnectionOptions server = options_;
  server.database.clear();
  // A server that was killed took the database with it.
  const auto connection = mysql::Connection::Open(server);
  if (connection.ok()) {
    (*connection)->Execute(absl::StrCat("DROP DATABASE IF EXISTS ", name())).IgnoreError();
  }
}

void TestDatabase::ClearTables(const std::vector<std::string>& kept) {
  const auto connection = mysql::Connection::Open(options_);
  ExpectOk(connection.status(), "cannot clear the tables");
  const auto tables = (*connection)
                          ->Query(
                              "SELECT TABLE_NAME, AUTO_INCREMENT FROM information_schema.TABLES "
                              "WHERE TABLE_SCHEMA = ? AND TABLE_TYPE = 'BASE TABLE' AND TABLE_NAME "
                              "<> 'schema_steps'",
                              {name()});
  ExpectOk(tables.status(), "cannot clear the tables");
  std::vector<mysql::Statement> statements = {{"SET foreign_key_checks = 0"}};
  for (const mysql::Row table : *tables) {
    if (std::find(kept.begin(), kept.end(), table.String(0)) != kept.end()) continue;
    // Deleting from a few small tables is much quicker than TRUNCATE, which makes each file anew.
    statements.push_back({absl::StrCat("DELETE FROM `", table.String(0), "`")});
    if (!table.IsNull(1) && table.Uint64(1) > 1) {
      statements.push_back(
          {absl::StrCat("ALTER TABLE `", table.String(0), "` AUTO_INCREMENT = 1")});
    }
  }
  ExpectOk((*connection)->ExecuteBatch(statements).status(), "cannot clear the tables");
}

mysql::ConnectionOptions FixtureServer() {
  const absl::StatusOr<FixtureState> state = ReadFixtureState();
  ExpectOk(state.status(), "no test database");
  mysql::ConnectionOptions options;
  options.unix_socket = state->socket;
  options.user = "root";
  return options;
}

TestDatabase& SharedDatabase(const std::vector<mysql::Migration>& migrations) {
  std::unique_ptr<TestDatabase>& database = Shared()[&migrations];
  if (database == nullptr) {
    absl::StatusOr<std::unique_ptr<TestDatabase>> made =
        TestDatabase::Create(FixtureServer(), migrations);
    ExpectOk(made.status(), "cannot make the test database");
    database = *std::move(made);
  }
  return *database;
}

void DropSharedDatabases() { Shared().clear(); }

}  // namespace quartermaster::testing
