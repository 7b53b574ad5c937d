// One test for each way in which the connector, or the server behind it, does other than it seems.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/mysql/connection.h"
#include "platform/mysql/error.h"
#include "platform/mysql/migrate.h"
#include "platform/status/error.h"
#include "tests/harness/database.h"

namespace quartermaster::mysql {
namespace {

using namespace std::string_literals;
using ::testing::HasSubstr;

constexpr char kSchema[] =
    "CREATE TABLE values_kept ("
    " id BINARY(16) NOT NULL PRIMARY KEY,"
    " signed_number BIGINT NULL,"
    " unsigned_number BIGINT UNSIGNED NULL,"
    " exact DECIMAL(30, 6) NULL,"
    " words VARCHAR(200) NULL,"
    " time DATETIME(6) NULL);"
    "CREATE TABLE counters ("
    " name VARCHAR(50) NOT NULL,"
    " amount BIGINT NOT NULL,"
    " CONSTRAINT pk_counters PRIMARY KEY (name),"
    " CONSTRAINT uk_counters_amount UNIQUE (amount),"
    " CONSTRAINT ck_counters_amount CHECK (amount >= 0));";

const std::vector<Migration>& Schema() {
  static const std::vector<Migration> migrations = {{1, "schema", kSchema}};
  return migrations;
}

class MysqlConnectionTest : public ::testing::Test {
 protected:
  MysqlConnectionTest() { database_.ClearTables(); }

  std::unique_ptr<Connection> Open() { return OpenWith(database_.options()); }

  static std::unique_ptr<Connection> OpenWith(const ConnectionOptions& options) {
    absl::StatusOr<std::unique_ptr<Connection>> connection = Connection::Open(options);
    EXPECT_TRUE(connection.ok()) << connection.status();
    return *std::move(connection);
  }

  testing::TestDatabase& database_ = testing::SharedDatabase(Schema());
};

std::string SomeId(char last = '\0') {
  // Everything that text would choke on: a NUL, a quote, a backslash, no UTF-8, a blank at the end.
  std::string id = "\0\xff'\\\"\n%?;`\x80 \xf0\x1a#"s;
  id.resize(15);
  return id + last;
}

TEST_F(MysqlConnectionTest, SetsUpEverySession) {
  const auto connection = Open();

  const auto rows = connection->Query(
      "SELECT @@tx_isolation, @@collation_connection, @@character_set_client, @@time_zone, "
      "@@autocommit, @@innodb_lock_wait_timeout, @@sql_mode, CONNECTION_ID()");

  ASSERT_TRUE(rows.ok()) << rows.status();
  // The connector sets REPEATABLE READ at each connect, whatever the server says.
  EXPECT_EQ((*rows)[0].String(0), "READ-COMMITTED");
  EXPECT_EQ((*rows)[0].String(1), "utf8mb4_bin");
  EXPECT_EQ((*rows)[0].String(2), "utf8mb4");
  EXPECT_EQ((*rows)[0].String(3), "+00:00");
  EXPECT_EQ((*rows)[0].Int64(4), 1);
  EXPECT_EQ((*rows)[0].Int64(5), 1);
  EXPECT_THAT((*rows)[0].String(6), HasSubstr("STRICT_TRANS_TABLES"));
  EXPECT_EQ((*rows)[0].Int64(7), connection->session_id());
  EXPECT_TRUE(connection->durability().ok()) << connection->durability().ToString();
}

// Both protocols, since each has its own code in the connector: with a parameter a statement is
// prepared, without it goes as text.
TEST_F(MysqlConnectionTest, KeepsEveryValueExactly) {
  const auto connection = Open();
  const std::string words = "\U00020BB7野家\0 'x' \\ \U0001F69A"s;
  const absl::Time time = absl::FromUnixMicros(1795248000123457);
  ASSERT_TRUE(
      connection
          ->Execute("INSERT INTO values_kept VALUES (?, ?, ?, ?, ?, ?)",
                    {SomeId(1), std::numeric_limits<int64_t>::min(), "18446744073709551615"s,
                     "-123456789012345678901234.000001"s, words, time})
          .ok());
  ASSERT_TRUE(connection
                  ->ExecuteBatch({{"INSERT INTO values_kept VALUES (?, ?, ?, ?, ?, ?)",
                                   {SomeId(2), std::numeric_limits<int64_t>::max(), int64_t{0},
                                    "0.000001"s, words, time}}})
                  .ok());

  for (const std::vector<Value>& params : {std::vector<Value>{}, std::vector<Value>{int64_t{1}}}) {
    const auto rows = connection->Query(
        absl::StrCat("SELECT id, signed_number, unsigned_number, exact, words, time FROM "
                     "values_kept WHERE 1 = ",
                     params.empty() ? "1" : "?", " ORDER BY id"),
        params);

    ASSERT_TRUE(rows.ok()) << rows.status();
    ASSERT_EQ(rows->size(), 2u);
    const Row first = (*rows)[0];
    const Row second = (*rows)[1];
    EXPECT_EQ(first.String(0), SomeId(1));
    EXPECT_EQ(first.Int64(1), std::numeric_limits<int64_t>::min());
    EXPECT_EQ(first.Uint64(2), std::numeric_limits<uint64_t>::max());
    EXPECT_EQ(first.String(3), "-123456789012345678901234.000001");
    EXPECT_EQ(first.String(4), words);
    EXPECT_EQ(first.Time(5), time);
    EXPECT_EQ(second.String(0), SomeId(2));
    EXPECT_EQ(second.Int64(1), std::numeric_limits<int64_t>::max());
    EXPECT_EQ(second.Int64(2), 0);
    EXPECT_EQ(second.String(3), "0.000001");
    EXPECT_EQ(second.String(4), words);
    EXPECT_EQ(second.Time(5), time);
  }
}

TEST_F(MysqlConnectionTest, FindsRowsByBytes) {
  const auto connection = Open();
  ASSERT_TRUE(connection->Execute("INSERT INTO values_kept (id) VALUES (?)", {SomeId(1)}).ok());
  ASSERT_TRUE(connection->Execute("INSERT INTO values_kept (id) VALUES (?)", {SomeId(2)}).ok());

  const auto prepared = connection->Query("SELECT id FROM values_kept WHERE id = ?", {SomeId(2)});
  const auto text =
      connection->ExecuteBatch({{"SELECT id FROM values_kept WHERE id = ?", {SomeId(2)}}});

  ASSERT_TRUE(prepared.ok() && text.ok());
  ASSERT_EQ(prepared->size(), 1u);
  EXPECT_EQ((*prepared)[0].String(0), SomeId(2));
  ASSERT_EQ((*text)[0].size(), 1u);
  EXPECT_EQ((*text)[0][0].String(0), SomeId(2));
}

TEST_F(MysqlConnectionTest, TellsNullFromEmpty) {
  const auto connection = Open();
  ASSERT_TRUE(connection
                  ->Execute("INSERT INTO values_kept (id, signed_number, words) VALUES (?, ?, ?)",
                            {SomeId(), Null(), ""s})
                  .ok());

  const auto rows = connection->Query("SELECT signed_number, words, time FROM values_kept");

  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_TRUE((*rows)[0].IsNull(0));
  EXPECT_FALSE((*rows)[0].IsNull(1));
  EXPECT_EQ((*rows)[0].String(1), "");
  EXPECT_TRUE((*rows)[0].IsNull(2));
}

TEST_F(MysqlConnectionTest, RefusesValuesThatDoNotFit) {
  const auto connection = Open();

  const auto inserted = connection->Execute("INSERT INTO values_kept (id, words) VALUES (?, ?)",
                                            {SomeId(), std::string(201, 'x')});

  EXPECT_EQ(GetErrno(inserted.status()), 1406) << inserted.status();
}

TEST_F(MysqlConnectionTest, RefusesFloatingPoint) {
  EXPECT_THAT(std::string(Open()->Query("SELECT 1e0").status().message()),
              HasSubstr("floating point"));
}

TEST_F(MysqlConnectionTest, CountsRowsThatMatchedThoughNothingChanged) {
  const auto connection = Open();
  ASSERT_TRUE(connection->Execute("INSERT INTO counters VALUES ('a', 1), ('b', 2)").ok());

  EXPECT_EQ(*connection->Execute("UPDATE counters SET amount = 1 WHERE name = 'a'"), 1);
  EXPECT_EQ(*connection->Execute("UPDATE counters SET amount = 1 WHERE name = ?", {"a"s}), 1);
  EXPECT_EQ(*connection->Execute("UPDATE counters SET amount = 1 WHERE name = ?", {"c"s}), 0);
  EXPECT_EQ(*connection->Execute("DELETE FROM counters"), 2);
}

// An unread result makes the connection answer 2014 to everything that follows.
TEST_F(MysqlConnectionTest, ReadsEveryResultToItsEnd) {
  const auto connection = Open();
  const auto is_well = [&] {
    const auto rows = connection->Query("SELECT 41 + ?", {int64_t{1}});
    return rows.ok() && (*rows)[0].Int64(0) == 42;
  };
  ASSERT_TRUE(connection
                  ->Execute("CREATE OR REPLACE PROCEDURE answers() BEGIN "
                            "SELECT 1; SELECT 2; DO 3; SELECT 4; END")
                  .ok());

  EXPECT_TRUE(connection->Execute("SELECT 1").ok());
  EXPECT_TRUE(is_well());
  EXPECT_TRUE(connection->Execute("SELECT ?", {int64_t{1}}).ok());
  EXPECT_TRUE(is_well());
  EXPECT_TRUE(connection->Query("DO 1").ok());
  EXPECT_TRUE(is_well());
  EXPECT_TRUE(connection->Query("SELECT 1; DO 2; SELECT 3; DO 4; SELECT 5").ok());
  EXPECT_TRUE(is_well());
  EXPECT_TRUE(connection->Query("CALL answers()").ok());
  EXPECT_TRUE(is_well());
  EXPECT_TRUE(connection->ExecuteBatch({{"DO 1"}, {"SELECT 2"}, {"DO 3"}, {"SELECT 4"}}).ok());
  EXPECT_TRUE(is_well());
}

TEST_F(MysqlConnectionTest, GivesAResultForEachStatementOfABatch) {
  const auto connection = Open();

  const auto results = connection->ExecuteBatch({
      {"INSERT INTO counters VALUES (?, ?)", {"a; DROP TABLE counters; -- '?"s, int64_t{1}}},
      {"SELECT amount FROM counters WHERE name LIKE ?", {"%?"s}},
      {"UPDATE counters SET amount = amount + 1"},
      {"UPDATE counters SET amount = amount + 1 WHERE name = 'nobody'"},
      {"SELECT amount, name FROM counters"},
  });

  ASSERT_TRUE(results.ok()) << results.status();
  ASSERT_EQ(results->size(), 5u);
  EXPECT_TRUE((*results)[0].empty());
  EXPECT_EQ((*results)[1][0].Int64(0), 1);
  EXPECT_TRUE((*results)[2].empty());
  EXPECT_EQ((*results)[4][0].Int64(0), 2);
  EXPECT_EQ((*results)[4][0].String(1), "a; DROP TABLE counters; -- '?");
}

TEST_F(MysqlConnectionTest, TellsTheErrorOfTheStatementThatFailed) {
  const auto connection = Open();

  const auto results = connection->ExecuteBatch({
      {"INSERT INTO counters VALUES ('a', 1)"},
      {"SELECT amount FROM counters"},
      {"INSERT INTO counters VALUES ('b', 1)"},
      {"INSERT INTO counters VALUES ('c', 3)"},
      {"SELECT amount FROM counters"},
  });

  EXPECT_EQ(DuplicateKeyName(results.status()), "uk_counters_amount") << results.status();
  EXPECT_TRUE(connection->usable());
  const auto names = connection->Query("SELECT name FROM counters");
  ASSERT_TRUE(names.ok()) << names.status();
  ASSERT_EQ(names->size(), 1u);
  EXPECT_EQ((*names)[0].String(0), "a");
}

TEST_F(MysqlConnectionTest, NamesTheConstraintThatWasMet) {
  const auto connection = Open();
  ASSERT_TRUE(connection->Execute("INSERT INTO counters VALUES ('a', 1)").ok());

  const auto same_name = connection->Execute("INSERT INTO counters VALUES (?, 2)", {"a"s});
  const auto same_amount = connection->Execute("INSERT INTO counters VALUES (?, 1)", {"b"s});
  const auto negative = connection->Execute("UPDATE counters SET amount = amount - 5");

  EXPECT_EQ(DuplicateKeyName(same_name.status()), "PRIMARY");
  EXPECT_EQ(DuplicateKeyName(same_amount.status()), "uk_counters_amount");
  EXPECT_EQ(GetErrno(negative.status()), 4025);
  EXPECT_EQ(FindAlert(GetErrno(negative.status())), Alert::kCheckViolated);
  EXPECT_TRUE(connection->usable());
}

TEST_F(MysqlConnectionTest, KeepsABoundedNumberOfPreparedStatements) {
  ConnectionOptions options = database_.options();
  options.statement_cache_size_max = 4;
  const auto connection = OpenWith(options);
  const auto prepared_count = [&] {
    const auto rows = connection->Query("SHOW SESSION STATUS LIKE 'Com_stmt_prepare'");
    const auto closed = connection->Query("SHOW SESSION STATUS LIKE 'Com_stmt_close'");
    return std::stoi((*rows)[0].String(1)) - std::stoi((*closed)[0].String(1));
  };

  for (int i = 0; i < 20; ++i) {
    const auto rows = connection->Query(absl::StrCat("SELECT ", i, " + ?"), {int64_t{i}});
    ASSERT_EQ((*rows)[0].Int64(0), 2 * i);
  }
  EXPECT_EQ(prepared_count(), 4);

  // The same text again is not prepared again.
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(connection->Query("SELECT 19 + ?", {int64_t{i}}).ok());
  }
  EXPECT_EQ(prepared_count(), 4);
}

// What was prepared before may fail (2057), which is one reason to name the columns; but it neither
// answers with the old ones nor leaves a connection that looks well and is not.
TEST_F(MysqlConnectionTest, NeverAnswersWithTheColumnsOfYesterday) {
  const auto connection = Open();
  ASSERT_TRUE(connection->Execute("INSERT INTO counters VALUES ('a', 1)").ok());
  const auto select_all = [&] {
    return connection->Query("SELECT * FROM counters WHERE name = ?", {"a"s});
  };
  ASSERT_EQ((*select_all())[0].size(), 2u);
  ASSERT_TRUE(Open()->Execute("ALTER TABLE counters ADD COLUMN more INT NULL").ok());

  const auto after = select_all();

  ASSERT_TRUE(Open()->Execute("ALTER TABLE counters DROP COLUMN more").ok());
  if (after.ok()) {
    EXPECT_EQ((*after)[0].size(), 3u);
  } else {
    EXPECT_FALSE(connection->usable()) << after.status();
  }
}

TEST_F(MysqlConnectionTest, StopsAReadAtItsDeadlineInTheServer) {
  const auto connection = Open();
  const absl::Time begin = absl::Now();

  connection->set_read_deadline(begin + absl::Milliseconds(200));
  const auto text = connection->Query("SELECT SLEEP(5)");
  connection->set_read_deadline(absl::Now() + absl::Milliseconds(200));
  const auto prepared = connection->Query("SELECT SLEEP(?)", {int64_t{5}});
  const auto too_late = connection->Query("SELECT 1");
  connection->set_read_deadline(absl::Now() + absl::Milliseconds(200));
  const auto batch = connection->ExecuteBatch({{"SELECT 1"}, {"SELECT SLEEP(?)", {int64_t{5}}}});
  const auto late_batch = connection->ExecuteBatch({{"SELECT 1"}});

  EXPECT_TRUE(absl::IsDeadlineExceeded(text.status())) << text.status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(batch.status())) << batch.status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(late_batch.status())) << late_batch.status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(prepared.status())) << prepared.status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(too_late.status())) << too_late.status();
  EXPECT_LT(absl::Now() - begin, absl::Seconds(3));
  // Changes are not stopped half-way, and the limit does not outlast its deadline.
  EXPECT_TRUE(connection->Execute("INSERT INTO counters VALUES ('a', 1)").ok());
  const auto changed = connection->ExecuteBatch({{"INSERT INTO counters VALUES ('b', 2)"}});
  EXPECT_TRUE(changed.ok()) << changed.status();
  connection->set_read_deadline(absl::InfiniteFuture());
  EXPECT_TRUE(connection->Query("SELECT SLEEP(0.3)").ok());
  EXPECT_TRUE(connection->ExecuteBatch({{"SELECT SLEEP(0.3)"}}).ok());
}

TEST_F(MysqlConnectionTest, ClosesTheConnectionAfterAReadTimeout) {
  ConnectionOptions options = database_.options();
  options.read_timeout = absl::Seconds(1);
  const auto connection = OpenWith(options);
  const absl::Time begin = absl::Now();

  const auto silent = connection->Execute("DO SLEEP(3)");

  // The statement may still take effect: nobody may use this session as if it had not.
  EXPECT_EQ(GetErrno(silent.status()), 2013) << silent.status();
  EXPECT_EQ(status::GetReason(silent.status()), "STORAGE_UNAVAILABLE");
  EXPECT_LT(absl::Now() - begin, absl::Milliseconds(2500));
  EXPECT_FALSE(connection->usable());
  EXPECT_FALSE(connection->Query("SELECT 1").ok());
}

TEST_F(MysqlConnectionTest, KnowsThatItWasKilled) {
  const auto connection = Open();
  EXPECT_TRUE(connection->Ping());
  ASSERT_TRUE(Open()->Execute(absl::StrCat("KILL CONNECTION ", connection->session_id())).ok());

  const auto rows = connection->Query("SELECT 1");

  EXPECT_TRUE(absl::IsUnavailable(rows.status())) << rows.status();
  EXPECT_FALSE(connection->usable());
  EXPECT_FALSE(connection->Ping());
}

TEST_F(MysqlConnectionTest, GivesNoLocalFileToTheServer) {
  const auto connection = Open();
  ASSERT_TRUE(connection->Execute("CREATE TEMPORARY TABLE stolen (line VARCHAR(500))").ok());

  const auto loaded = connection->Execute("LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE stolen");

  EXPECT_FALSE(loaded.ok());
}

TEST_F(MysqlConnectionTest, RefusesConnectorOptionsItDoesNotKnow) {
  ConnectionOptions options = database_.options();
  // Misspelt: the connector itself would connect and say nothing.
  options.connector_options["OPT_WRITE_TIMOUT"] = "5";

  EXPECT_TRUE(absl::IsInvalidArgument(Connection::Open(options).status()));

  options.connector_options = {{"OPT_WRITE_TIMEOUT", "5"}, {"CLIENT_COMPRESS", "true"}};
  EXPECT_TRUE(Connection::Open(options).ok());
}

TEST_F(MysqlConnectionTest, TellsThatThereIsNoServer) {
  ConnectionOptions options = database_.options();
  options.unix_socket = "/nonexistent/s";
  EXPECT_TRUE(absl::IsUnavailable(Connection::Open(options).status()));

  options = database_.options();
  options.user = "nobody-known";
  options.password = Password("geheim");
  const absl::Status refused = Connection::Open(options).status();
  EXPECT_TRUE(absl::IsUnavailable(refused));
  EXPECT_EQ(refused.ToString().find("geheim"), std::string::npos);
}

}  // namespace
}  // namespace quartermaster::mysql
