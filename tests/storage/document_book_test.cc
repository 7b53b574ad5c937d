#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "inventory_migrations.h"
#include "platform/base/clock.h"
#include "platform/base/uuid.h"
#include "platform/document/fake_book.h"
#include "platform/document/version_store.h"
#include "platform/document/write.h"
#include "platform/mysql/error.h"
#include "platform/mysql/transaction.h"
#include "platform/status/error.h"
#include "tests/harness/database.h"

namespace quartermaster::document {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::SharedDatabase;

const absl::Time kTime = absl::FromUnixMicros(1'800'000'000'000'001);

// What keeps documents, fake or real.
class World {
 public:
  virtual ~World() = default;
  virtual absl::Status Atomically(absl::Time deadline,
                                  absl::FunctionRef<absl::Status(Book&)> body) = 0;
};

class FakeWorld final : public World {
 public:
  absl::Status Atomically(absl::Time, absl::FunctionRef<absl::Status(Book&)> body) override {
    return body(book_);
  }

 private:
  FakeBook book_;
};

class MysqlWorld final : public World {
 public:
  explicit MysqlWorld(const std::string& other_requests = "")
      : other_requests_(other_requests), pool_(SharedDatabase(InventoryMigrations()).pool()) {
    SharedDatabase(InventoryMigrations()).ClearTables();
  }
  absl::Status Atomically(absl::Time deadline,
                          absl::FunctionRef<absl::Status(Book&)> body) override {
    return mysql::InTransaction(pool_, deadline, [&](mysql::Connection& connection) {
      MysqlBook book(connection, uuids_, other_requests_);
      return body(book);
    });
  }
  mysql::Pool& pool() { return pool_; }
  // Runs a query and renders its rows, cells apart by a space.
  std::vector<std::string> Rows(const std::string& sql) {
    auto lease = pool_.Acquire(absl::Now() + absl::Seconds(10));
    EXPECT_TRUE(lease.ok()) << lease.status();
    const auto rows = (*lease)->Query(sql);
    EXPECT_TRUE(rows.ok()) << rows.status();
    std::vector<std::string> found;
    for (const mysql::Row row : *rows) {
      std::string line = row.String(0);
      for (size_t i = 1; i < row.size(); ++i) absl::StrAppend(&line, " ", row.String(i));
      found.push_back(line);
    }
    return found;
  }

 private:
  const std::string other_requests_;
  const base::SystemClock clock_;
  base::UuidSource uuids_{clock_};
  mysql::Pool& pool_;
};

Request ARequest(uint8_t id, const std::string& content = "content",
                 const std::string& caller = "persons/a") {
  Request request{.caller = caller, .method = "Notes/Write"};
  request.request_id.bytes[15] = id;
  request.content_hash = base::Sha256(content);
  return request;
}

NewVersion AVersion(int32_t version, const std::string& snapshot) {
  return {.name = "notes/a",
          .version = version,
          .record_time = kTime + absl::Microseconds(version),
          .occurred_time = kTime,
          .state = "DRAFT",
          .snapshot = snapshot};
}

// What every keeper of documents does alike. The fake is held to it, or nothing could be tested
// with it.
class BookContract : public ::testing::TestWithParam<bool> {
 protected:
  BookContract() {
    if (GetParam()) {
      world_ = std::make_unique<MysqlWorld>();
    } else {
      world_ = std::make_unique<FakeWorld>();
    }
  }
  void Run(absl::FunctionRef<absl::Status(Book&)> body) {
    const absl::Status status = world_->Atomically(absl::Now() + absl::Seconds(20), body);
    EXPECT_TRUE(status.ok()) << status;
  }
  void Append(const Request& request, const NewVersion& version) {
    Run([&](Book& book) { return book.Append(request, version); });
  }

  std::unique_ptr<World> world_;
};

TEST_P(BookContract, FindsNothingBeforeAnythingWasWritten) {
  Run([&](Book& book) -> absl::Status {
    EXPECT_FALSE(book.FindEarlier(ARequest(1))->has_value());
    EXPECT_FALSE(book.FindNewest("notes/a")->has_value());
    EXPECT_FALSE(book.LockNewest("notes/a")->has_value());
    return absl::OkStatus();
  });
}

TEST_P(BookContract, ARequestLeadsToTheVersionThatItWrote) {
  Append(ARequest(1, "first"), AVersion(1, std::string("one\0bytes", 9)));
  Append(ARequest(2, "second"), AVersion(2, "two"));

  Run([&](Book& book) -> absl::Status {
    const std::optional<EarlierWrite> earlier = *book.FindEarlier(ARequest(1, "other"));
    EXPECT_EQ(earlier->version, 1);
    EXPECT_EQ(earlier->snapshot, std::string("one\0bytes", 9));
    EXPECT_EQ(earlier->record_time, kTime + absl::Microseconds(1));
    EXPECT_EQ(earlier->content_hash, base::Sha256("first"));
    for (const auto& newest : {*book.FindNewest("notes/a"), *book.LockNewest("notes/a")}) {
      EXPECT_EQ(newest->version, 2);
      EXPECT_EQ(newest->snapshot, "two");
    }
    return absl::OkStatus();
  });
}

TEST_P(BookContract, RequestIdsAreScopedToTheirCaller) {
  Append(ARequest(1), AVersion(1, "one"));

  Run([&](Book& book) -> absl::Status {
    EXPECT_FALSE(book.FindEarlier(ARequest(1, "content", "persons/b"))->has_value());
    EXPECT_TRUE(book.FindEarlier(ARequest(1))->has_value());
    return absl::OkStatus();
  });
}

INSTANTIATE_TEST_SUITE_P(FakeAndMysql, BookContract, ::testing::Bool(),
                         [](const auto& is_mysql) { return is_mysql.param ? "Mysql" : "Fake"; });

struct Note {
  static constexpr char kForm[] = "note.1";
  std::string text;
};
template <typename V>
void VisitFields(V& visit, Note& note) {
  visit(note.text);
}

// What only a database can show.
class MysqlBookTest : public ::testing::Test {
 protected:
  absl::StatusOr<Versioned<Note>> WriteText(const Request& request, const std::string& text) {
    return Write<Note, Book>(
        world_, absl::Now() + absl::Seconds(20), request, "notes/a", kTime,
        {.lock = [](Book& book) { return Lock<Note>(book, "notes/a"); },
         .authorize = AuthorizedByName<Note>,
         .decide =
             [&](Book&, const Current<Note>& current, absl::Time) {
               const std::string before = current.has_value() ? current->body.text : "";
               return absl::StatusOr<Change<Note>>({.after = Note{before + text}});
             }});
  }

  MysqlWorld world_;
};

TEST_F(MysqlBookTest, RecordsChainByTheHashesOfTheirBytes) {
  ASSERT_TRUE(WriteText(ARequest(1), "a").ok());
  ASSERT_TRUE(WriteText(ARequest(2), "b").ok());

  const std::vector<std::string> records = world_.Rows(
      "SELECT COALESCE(HEX(before_hash), 'none'), HEX(after_hash) FROM records ORDER BY record_id");
  const std::vector<std::string> versions =
      world_.Rows("SELECT UPPER(SHA2(snapshot, 256)) FROM document_versions ORDER BY version");
  EXPECT_THAT(records, ElementsAre("none " + versions[0], versions[0] + " " + versions[1]));
}

TEST_F(MysqlBookTest, TasksAreReplacedWithEachVersion) {
  const auto append = [&](uint8_t id, NewVersion version, std::vector<Task> tasks) {
    version.tasks = std::move(tasks);
    const absl::Status status = world_.Atomically(absl::Now() + absl::Seconds(20), [&](Book& book) {
      return book.Append(ARequest(id), version);
    });
    EXPECT_TRUE(status.ok()) << status;
  };
  constexpr char kTasks[] =
      "SELECT verb, unit, permission, barred_actors FROM document_tasks ORDER BY verb, unit";

  append(1, AVersion(1, "one"),
         {{.verb = "SEND",
           .permission = "notes.send",
           .units = {"units/a", "units/b"},
           .barred_actors = {"persons/x", "persons/y"}}});
  EXPECT_THAT(world_.Rows(kTasks), ElementsAre("SEND units/a notes.send persons/x,persons/y",
                                               "SEND units/b notes.send persons/x,persons/y"));
  append(2, AVersion(2, "two"), {{.verb = "SIGN", .permission = "p", .units = {"units/c"}}});
  EXPECT_THAT(world_.Rows(kTasks), ElementsAre("SIGN units/c p "));
  append(3, AVersion(3, "three"), {});
  EXPECT_THAT(world_.Rows(kTasks), ElementsAre());
}

// Goal: who waits for a document's lock sees what the one before wrote.
// Method: threads that each append their letter many times; every write must find all earlier ones,
// and none may have been run again, because the lock alone keeps them apart.
TEST_F(MysqlBookTest, WritersOfOneDocumentTakeTurns) {
  constexpr int kThreads = 4;
  constexpr int kWrites = 15;
  ASSERT_TRUE(WriteText(ARequest(255), "").ok());
  const int64_t reruns_before = world_.pool().transaction_counters().rerun_count;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kWrites; ++i) {
        const auto written = WriteText(
            ARequest(static_cast<uint8_t>(i + 1), "content", absl::StrCat("persons/", thread)),
            "x");
        EXPECT_TRUE(written.ok()) << written.status();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  const auto newest = WriteText(ARequest(254), "");
  EXPECT_EQ(newest->version, kThreads * kWrites + 2);
  EXPECT_EQ(newest->body.text, std::string(kThreads * kWrites, 'x'));
  EXPECT_EQ(world_.pool().transaction_counters().rerun_count, reruns_before);
}

// Goal: twins that meet in the insert are one write, though neither saw the other when it looked.
// Method: the second writes the same request from another connection while the first is between its
// look-up and its insert.
TEST_F(MysqlBookTest, ATwinThatWroteFirstIsFoundByTheNextRun) {
  int runs = 0;
  const auto written = Write<Note, Book>(
      world_, absl::Now() + absl::Seconds(20), ARequest(1), "notes/a", kTime,
      {.lock = [](Book&) { return absl::StatusOr<Current<Note>>(Current<Note>()); },
       .authorize = AuthorizedByName<Note>,
       .decide =
           [&](Book&, const Current<Note>&, absl::Time) {
             ++runs;
             EXPECT_TRUE(WriteText(ARequest(1), "by the twin").ok());
             return absl::StatusOr<Change<Note>>({.after = Note{"by us"}});
           }});

  ASSERT_TRUE(written.ok()) << written.status();
  EXPECT_EQ(written->body.text, "by the twin");
  EXPECT_EQ(runs, 1);
  EXPECT_THAT(world_.Rows("SELECT resource FROM requests"), ElementsAre("notes/a"));
  EXPECT_THAT(world_.Rows("SELECT resource FROM records"), ElementsAre("notes/a"));
}

// Goal: one request never writes a document and posts, however closely the two meet.
// Method: the movement commits after the document has looked for it and before it writes.
TEST(MysqlBookRaceTest, ADocumentFindsTheMovementThatTookItsRequestMeanwhile) {
  MysqlWorld world("movements");
  int runs = 0;
  const auto written = Write<Note, Book>(
      world, absl::Now() + absl::Seconds(20), ARequest(1), "notes/a", kTime,
      {.lock = [](Book&) { return absl::StatusOr<Current<Note>>(Current<Note>()); },
       .authorize = AuthorizedByName<Note>,
       .decide =
           [&](Book&, const Current<Note>&, absl::Time) {
             ++runs;
             const auto lease = world.pool().Acquire(absl::Now() + absl::Seconds(10));
             const auto posted = (*lease)->Execute(
                 "INSERT INTO movements (movement_id, caller, request_id, content_hash, "
                 "reason, occurred_time, record_time) VALUES (?, ?, ?, '', 1, NOW(6), NOW(6))",
                 {ARequest(9).request_id.ToBytes(), ARequest(1).caller,
                  ARequest(1).request_id.ToBytes()});
             EXPECT_TRUE(posted.ok()) << posted.status();
             return absl::StatusOr<Change<Note>>({.after = Note{"by us"}});
           }});

  EXPECT_EQ(status::GetReason(written.status()), "REQUEST_ID_REUSED");
  EXPECT_EQ(runs, 1);
  EXPECT_THAT(world.Rows("SELECT resource FROM requests"), IsEmpty());
  EXPECT_THAT(world.Rows("SELECT resource FROM records"), IsEmpty());
}

}  // namespace
}  // namespace quartermaster::document
