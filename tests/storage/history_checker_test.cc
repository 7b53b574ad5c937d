// The checkers' own test: books that hold pass, and each way to break them is named. A checker that
// sees nothing would make every test after which it runs worthless.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "inventory-svc/domain/names.h"
#include "inventory-svc/domain/stock_ledger.h"
#include "inventory-svc/storage/mysql_stock_store.h"
#include "tests/harness/checker/check.h"
#include "tests/harness/invariants.h"
#include "tests/harness/ledger_database.h"
#include "tests/harness/ledger_world.h"

namespace quartermaster::inventory {
namespace {

using testing::AskedMovement;
using testing::AskedRequest;
using testing::CheckHistory;
using ::testing::Contains;
using ::testing::HasSubstr;
using testing::History;
using ::testing::IsEmpty;

// Asks for a receipt and a consumption of masks, a reversal of the latter, and keeps the history.
class HistoryCheckerTest : public ::testing::Test {
 protected:
  HistoryCheckerTest() {
    receipt_ = Post(AReceipt(10, 1));
    consumption_ = Post(AConsumption(4, 2));
    EXPECT_TRUE(ledger_
                    .ReverseMovement(CallBy("boris"), {.movement_id = consumption_.movement_id,
                                                       .request_id = RequestId(3)})
                    .ok());
    PostMovementCommand on_paper = AReceipt(1, 4, kShelf, kOtherMasks);
    on_paper.source_document = {.issuer = "ministry", .number = "2020-17", .line = 1};
    Post(on_paper);
  }

  Movement Post(const PostMovementCommand& command) {
    AskedMovement asked;
    asked.caller = "persons/clerk";
    asked.request_id = command.request_id.ToString();
    asked.reason = static_cast<int>(command.reason);
    for (const MovementLine& line : command.lines) {
      asked.lines.push_back({.lot = line.lot,
                             .source = line.source.location,
                             .source_state = static_cast<int>(line.source.state),
                             .destination = line.destination.location,
                             .destination_state = static_cast<int>(line.destination.state),
                             .base_quantity = line.quantity.amount});
    }
    const auto posted = ledger_.PostMovement(CallBy(), command);
    EXPECT_TRUE(posted.ok()) << posted.status();
    asked.outcome = AskedMovement::Outcome::kAcknowledged;
    asked.answer = MovementName(posted->movement_id);
    history_.movements.push_back(asked);
    return *posted;
  }

  // Changes the tables behind everybody's back.
  void Tamper(const std::vector<std::string>& statements) {
    const auto connection = pool_.Acquire(absl::Now() + absl::Seconds(30));
    ASSERT_TRUE(connection.ok());
    ASSERT_TRUE(
        (*connection)->Execute("SET foreign_key_checks = 0, check_constraint_checks = 0").ok());
    for (const std::string& sql : statements) {
      const auto done = (*connection)->Execute(sql);
      ASSERT_TRUE(done.ok()) << sql << ": " << done.status();
      if (!absl::StartsWith(sql, "ALTER")) {
        EXPECT_GT(*done, 0) << sql << " changed nothing";
      }
    }
    ASSERT_TRUE(
        (*connection)->Execute("SET foreign_key_checks = 1, check_constraint_checks = 1").ok());
  }

  std::vector<std::string> Violations() {
    const auto report = CheckHistory(pool_, history_);
    EXPECT_TRUE(report.ok()) << report.status();
    return report->violations;
  }

  mysql::Pool& pool_ = EmptyLedgerDatabase();
  MysqlStockStore store_{pool_};
  base::SystemClock clock_;
  base::UuidSource uuids_{clock_};
  LedgerWorld world_;
  StockLedger ledger_{store_, world_.units(), world_.items(), clock_, uuids_};
  History history_;
  Movement receipt_;
  Movement consumption_;
};

TEST_F(HistoryCheckerTest, FindsNothingInBooksThatHold) {
  const auto report = CheckHistory(pool_, history_);

  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(report->violations, IsEmpty());
  EXPECT_EQ(report->acknowledged_count, 3);
}

TEST_F(HistoryCheckerTest, SeesAnAcknowledgedMovementThatIsGone) {
  history_.movements[0].request_id = RequestId(99).ToString();

  EXPECT_THAT(Violations(), Contains(HasSubstr("was acknowledged and is in the books 0 times")));
  EXPECT_THAT(Violations(), Contains(HasSubstr("was never asked for")));
}

TEST_F(HistoryCheckerTest, SeesARefusedMovementThatIsThere) {
  history_.movements[0].outcome = AskedMovement::Outcome::kRefused;

  EXPECT_THAT(Violations(), Contains(HasSubstr("was refused and is in the books 1 times")));
}

TEST_F(HistoryCheckerTest, LetsAnOpenMovementBeThereOrNot) {
  history_.movements[0].outcome = AskedMovement::Outcome::kOpen;
  AskedMovement lost = history_.movements[0];
  lost.request_id = RequestId(99).ToString();
  history_.movements.push_back(lost);

  const auto report = CheckHistory(pool_, history_);

  EXPECT_THAT(report->violations, IsEmpty());
  EXPECT_EQ(report->open_count, 2);
  EXPECT_EQ(report->open_booked_count, 1);
}

TEST_F(HistoryCheckerTest, SeesOtherContentAndAnotherName) {
  history_.movements[0].lines[0].base_quantity = 11;
  history_.movements[1].answer = MovementName(receipt_.movement_id);

  EXPECT_THAT(Violations(), Contains(HasSubstr("otherwise than it was asked")));
  EXPECT_THAT(Violations(), Contains(HasSubstr("was answered as")));
}

TEST_F(HistoryCheckerTest, HoldsChangesOfDocumentsToTheSame) {
  history_.changes = {{.caller = "persons/clerk",
                       .request_id = RequestId(50).ToString(),
                       .outcome = AskedRequest::Outcome::kAcknowledged,
                       .answer = "transfers/x@v1"}};
  EXPECT_THAT(Violations(), Contains(HasSubstr("was acknowledged and is in the books 0 times")));

  Tamper(
      {"INSERT INTO records (record_id, record_time, occurred_time, caller, method, resource, "
       "request_id, after_hash, trace_id) VALUES (REPEAT('x', 16), '2020-01-01', '2020-01-01', "
       "'persons/clerk', '', 'transfers/x', '', '', '')",
       "INSERT INTO document_versions (resource, version, record_id, record_time, state, actor, "
       "snapshot) VALUES ('transfers/x', 1, REPEAT('x', 16), '2020-01-01', '', '', '')",
       absl::StrCat("INSERT INTO requests (caller, request_id, method, content_hash, resource, "
                    "version) VALUES ('persons/clerk', x'",
                    base::ToHex(RequestId(50).ToBytes()), "', '', '', 'transfers/x', 1)")});
  EXPECT_THAT(Violations(), IsEmpty());

  history_.changes[0].answer = "transfers/x@v2";
  EXPECT_THAT(Violations(), Contains(HasSubstr("was answered as transfers/x@v2")));
  history_.changes[0].outcome = AskedRequest::Outcome::kRefused;
  EXPECT_THAT(Violations(), Contains(HasSubstr("was refused and is in the books 1 times")));
  history_.changes.clear();
  EXPECT_THAT(Violations(), Contains(HasSubstr("was never asked for")));
}

TEST_F(HistoryCheckerTest, SeesHalfAMovement) {
  Tamper({absl::StrCat("DELETE FROM movement_lines WHERE movement_id = x'",
                       base::ToHex(receipt_.movement_id.ToBytes()), "'")});

  EXPECT_THAT(Violations(), Contains(HasSubstr("otherwise than it was asked")));
}

TEST_F(HistoryCheckerTest, ReadsBackWhatWasWritten) {
  const std::string path = ::testing::TempDir() + "/history-" + uuids_.Next().ToString();
  {
    testing::HistoryWriter writer(path);
    for (const AskedMovement& asked : history_.movements) writer.Asked(asked);
    writer.Acknowledged(history_.movements[0].request_id, history_.movements[0].answer);
    writer.Refused(history_.movements[1].request_id, "INSUFFICIENT_STOCK");
    writer.Asked(AskedRequest{.caller = "persons/clerk", .request_id = "change"});
    writer.Acknowledged("change", "transfers/x@v1");
  }

  const auto read = testing::ReadHistory(path);

  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->movements.size(), 3u);
  EXPECT_EQ(read->movements[0].lines, history_.movements[0].lines);
  EXPECT_EQ(read->movements[0].answer, history_.movements[0].answer);
  EXPECT_EQ(read->movements[1].outcome, AskedMovement::Outcome::kRefused);
  EXPECT_EQ(read->movements[2].outcome, AskedMovement::Outcome::kOpen);
  ASSERT_EQ(read->changes.size(), 1u);
  EXPECT_EQ(read->changes[0].answer, "transfers/x@v1");
  std::ofstream(path, std::ios::app) << "acknowledged\tnobody-asked\tmovements/x\n";
  EXPECT_TRUE(absl::IsInvalidArgument(testing::ReadHistory(path).status()));
  std::remove(path.c_str());
}

// One way to break a promise, and how to make the schema whole again where that was broken too.
struct Tampering {
  const char* name;
  const char* promise;
  std::vector<std::string> statements;
  std::vector<std::string> repair = {};
};

std::ostream& operator<<(std::ostream& out, const Tampering& tampering) {
  return out << tampering.name;
}

class InvariantsTest : public HistoryCheckerTest,
                       public ::testing::WithParamInterface<Tampering> {};

TEST_P(InvariantsTest, NamesTheBrokenPromise) {
  Tamper(GetParam().statements);

  EXPECT_THAT(testing::FindBookViolations(pool_),
              Contains(HasSubstr(absl::StrCat("broken: ", GetParam().promise, ": "))));

  EmptyLedgerDatabase();
  Tamper(GetParam().repair);
}

const Tampering kTamperings[] = {
    {"ItemSum",
     "the balances of an item sum to zero",
     {"UPDATE balances SET quantity = quantity + 1 WHERE state = 1 AND lot_id = 1"}},
    {"LotSum",
     "the balances of a lot sum to zero",
     {"UPDATE balances SET quantity = quantity + 1 WHERE state = 1 AND lot_id = 1 AND location_id "
      "= 1",
      "UPDATE balances SET quantity = quantity - 1 WHERE state = 16 AND lot_id = 2"}},
    {"Negative",
     "what is inside is never negative",
     {"UPDATE balances SET quantity = -1 WHERE state = 1 AND lot_id = 1"}},
    {"LostUpdate",
     "a balance is the sum of its lines",
     {"UPDATE balances SET quantity = quantity + 1 WHERE state = 1 AND lot_id = 1",
      "UPDATE balances SET quantity = quantity - 1 WHERE state = 16 AND lot_id = 1"}},
    {"NoBalance",
     "a line names balances that exist",
     {"UPDATE movement_lines SET source_balance_id = 999 LIMIT 1"}},
    {"OtherLot",
     "a line, its balances and their lot agree",
     {"UPDATE movement_lines SET lot_id = 2 WHERE lot_id = 1 LIMIT 1"}},
    {"OtherItem",
     "a balance repeats its lot's item and its location's unit",
     {"UPDATE balances SET item_id = 2 LIMIT 1"}},
    {"OldTime",
     "a balance knows its latest movement",
     {"UPDATE balances SET last_record_time = '1999-01-01' LIMIT 1"}},
    {"NoLines", "a movement has lines, counted from 1", {"DELETE FROM movement_lines LIMIT 1"}},
    {"StrayLine",
     "a line belongs to a movement",
     {"UPDATE movement_lines SET movement_id = REPEAT('x', 16) LIMIT 1"}},
    {"NoRequest",
     "a movement carries a request or belongs to a document",
     {"UPDATE movements SET request_id = NULL LIMIT 1"}},
    {"RequestTwice",
     "a request is in the books once",
     {"ALTER TABLE movements DROP CONSTRAINT uk_movements_caller_request_id",
      "UPDATE movements SET request_id = REPEAT('x', 16) WHERE caller = 'persons/clerk'"},
     {"ALTER TABLE movements ADD CONSTRAINT uk_movements_caller_request_id UNIQUE (caller, "
      "request_id)"}},
    {"ReversedTwice",
     "a movement is reversed once",
     {"ALTER TABLE movements DROP FOREIGN KEY fk_movements_reverses",
      "ALTER TABLE movements DROP CONSTRAINT uk_movements_reverses",
      "UPDATE movements SET reverses_movement_id = REPEAT('x', 16)"},
     {"ALTER TABLE movements ADD CONSTRAINT uk_movements_reverses UNIQUE (reverses_movement_id)",
      "ALTER TABLE movements ADD CONSTRAINT fk_movements_reverses FOREIGN KEY "
      "(reverses_movement_id) REFERENCES movements (movement_id)"}},
    {"OtherDay",
     "a reversal reverses an earlier movement that is no reversal",
     {"UPDATE movements SET occurred_time = '1999-01-01' WHERE reverses_movement_id IS NOT NULL"}},
    {"ReversalOfLess",
     "a reversal puts every line back",
     {"UPDATE movement_lines SET quantity = quantity + 1 WHERE movement_id = (SELECT movement_id "
      "FROM movements WHERE reverses_movement_id IS NOT NULL)"}},
    {"NoRecord", "a movement leaves one record", {"DELETE FROM records LIMIT 1"}},
    {"StrayRecord",
     "a record of a movement has its movement",
     {"UPDATE records SET record_id = REPEAT('x', 16) LIMIT 1"}},
    {"NotListed",
     "a movement is listed under the units and items it touched",
     {"DELETE FROM movement_scopes LIMIT 1"}},
    {"OtherPaper",
     "a paper is held by the movement that names it",
     {"UPDATE source_documents SET number = 'other'"}},
    {"NoPaper", "a movement that stands holds its paper", {"DELETE FROM source_documents"}},
    {"VersionGap",
     "a document's versions count up from 1",
     {"INSERT INTO document_versions (resource, version, record_id, record_time, state, actor, "
      "snapshot) SELECT 'transfers/x', 2, record_id, record_time, '', '', '' FROM records LIMIT "
      "1"}},
    {"OthersRecord",
     "a version of a document leaves its record",
     {"INSERT INTO document_versions (resource, version, record_id, record_time, state, actor, "
      "snapshot) SELECT 'transfers/x', 1, record_id, record_time, '', '', '' FROM records LIMIT "
      "1"}},
    {"NoAnswer",
     "a request that was answered points to its answer",
     {"INSERT INTO requests (caller, request_id, method, content_hash, resource, version) VALUES "
      "('persons/clerk', REPEAT('x', 16), '', REPEAT('x', 32), 'transfers/x', 1)"}},
    {"HeldForNobody",
     "goods are held for transfers that are on their way, and for no others",
     {"UPDATE balances SET holder = REPEAT('x', 16) WHERE state = 1 AND lot_id = 1"}},
    {"NoDocument",
     "a movement of a document has its document",
     {"UPDATE movements SET document_id = REPEAT('x', 16), request_id = NULL LIMIT 1"}},
};

INSTANTIATE_TEST_SUITE_P(Broken, InvariantsTest, ::testing::ValuesIn(kTamperings),
                         [](const auto& tampering) { return tampering.param.name; });

}  // namespace
}  // namespace quartermaster::inventory
