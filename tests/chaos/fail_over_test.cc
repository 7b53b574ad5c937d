// Goal: whichever replica seals, and however it goes, another goes on within the time that the
// settings promise: no record is lost, doubled or out of order, whoever follows the feed sees each
// acknowledged posting once, and what was said of a past moment stays said.
// Method: inventory-svc as several processes on one database; callers post through two, taking out
// through one what they put in through the other. Under that load the one that seals is killed, or
// held still until its lease is over and then let go. A follower reads the feed all the while, from
// whichever is there. In one test the clock of one of those two is an hour behind.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/mysql/pool.h"
#include "platform/rpc/parse.h"
#include "platform/rpc/status_codec.h"
#include "quartermaster/inventory/v1/ledger.grpc.pb.h"
#include "tests/chaos/feed_follower.h"
#include "tests/chaos/pair_poster.h"
#include "tests/chaos/world.h"
#include "tests/harness/invariants.h"
#include "tests/harness/stack.h"

namespace quartermaster::testing {
namespace {

namespace v1 = ::quartermaster::inventory::v1;
using ::testing::IsEmpty;

constexpr int kPosterCount = 4;
constexpr absl::Duration kLeaseTime = absl::Seconds(1);
constexpr absl::Duration kTransactionIdleMax = absl::Seconds(1);
// What the settings promise: the lease since its last renewal, and the pause of another after an
// error. The rest is what a busy machine may take.
const absl::Duration kTakeOverMax =
    kLeaseTime + absl::Milliseconds(500) + /*busy machine*/ absl::Seconds(5);
// One that stands still may hold the row of the lease; then the server must take it from it first.
const absl::Duration kTakeOverFromPausedMax =
    kTakeOverMax + kTransactionIdleMax + /*lock wait*/ absl::Seconds(1);

constexpr char kSystems[] = R"({
  "spiffe://quartermaster/systems/province-demo": {
    "name": "systems/province-demo",
    "grants": [{"role": "approver", "unit": "units/city"},
               {"role": "integrator", "unit": "units/city"}]
  }
})";

absl::Time Soon() { return absl::Now() + absl::Seconds(40); }

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

class FailOverTest : public ::testing::Test {
 protected:
  using Environment = std::map<std::string, std::string>;

  // Each replica has these settings beside those of all; callers post through the first server and
  // the last.
  explicit FailOverTest(std::vector<Environment> replicas = {{}},
                        Environment keys_environment = {}) {
    auto stack = Stack::Start({.keys_environment = std::move(keys_environment),
                               .systems_json = kSystems,
                               .inventory_settings = Settings()});
    EXPECT_TRUE(stack.ok()) << stack.status();
    stack_ = *std::move(stack);
    const auto token = stack_->MakeToken("founder", {"administrator@units/city"});
    EXPECT_TRUE(token.ok()) << token.status();
    const absl::Status made = MakeCity(stack_->ConnectToGateway(), *token);
    EXPECT_TRUE(made.ok()) << made;
    servers_.push_back({.name = "inventory-svc"});
    for (Environment& settings : replicas) {
      servers_.push_back(
          {.name = absl::StrCat("replica-", servers_.size()), .settings = std::move(settings)});
      StartServer(servers_.size() - 1);
    }
    mysql::ConnectionOptions options = stack_->database().connection_options();
    options.database = "quartermaster_inventory";
    pool_ = std::make_unique<mysql::Pool>(mysql::PoolOptions{.connection = options, .size_max = 2});
    std::vector<std::shared_ptr<grpc::Channel>> channels;
    for (size_t i = 0; i < servers_.size(); ++i) channels.push_back(Connect(i));
    follower_ = std::make_unique<FeedFollower>(channels);
    for (size_t i = 0; i < kPosterCount; ++i) {
      posters_.push_back(std::make_unique<PairPoster>(
          std::array<std::shared_ptr<grpc::Channel>, 2>{Connect(0), Connect(servers_.size() - 1)},
          i % 2));
    }
    for (const auto& poster : posters_) {
      threads_.emplace_back([this, &poster] { poster->Work(stop_); });
    }
    EXPECT_TRUE(WaitUntil(Soon(), [&] { return AcknowledgedCount() > 20; }));
  }

  ~FailOverTest() override { StopPosting(); }

  static Environment Settings() {
    return {
        {"QM_INVENTORY_SEALER_LEASE_TIME", absl::FormatDuration(kLeaseTime)},
        {"QM_INVENTORY_DATABASE_TRANSACTION_IDLE_MAX", absl::FormatDuration(kTransactionIdleMax)}};
  }

  // Starts it for the first time, or again where it was.
  void StartServer(size_t server) {
    std::optional<Stack::Replica>& replica = servers_[server].replica;
    absl::Status started;
    if (server == 0) {
      started = stack_->StartInventory();
    } else {
      Environment settings = servers_[server].settings;
      settings.merge(Settings());
      if (replica.has_value()) settings["QM_INVENTORY_RPC_ADDRESS"] = replica->address;
      replica.reset();
      auto made = stack_->StartReplica(servers_[server].name, settings);
      if (made.ok()) replica.emplace(*std::move(made));
      started = made.status();
    }
    EXPECT_TRUE(started.ok()) << started;
  }

  std::shared_ptr<grpc::Channel> Connect(size_t server) {
    return stack_->ConnectToInventoryAt(
        server == 0 ? stack_->inventory_address() : servers_[server].replica->address,
        "province-demo");
  }
  Process& ProcessOf(size_t server) {
    return server == 0 ? stack_->inventory() : servers_[server].replica->process;
  }
  std::string LogOf(size_t server) {
    return ReadFile(absl::StrCat(stack_->directory(), "/", servers_[server].name, ".log"));
  }

  int64_t Number(const std::string& sql) {
    const absl::StatusOr<mysql::Lease> connection = pool_->Acquire(Soon());
    EXPECT_TRUE(connection.ok()) << connection.status();
    const auto rows = (*connection)->Query(sql);
    EXPECT_TRUE(rows.ok()) << rows.status();
    return rows.ok() && !rows->empty() && !(*rows)[0].IsNull(0)
               ? static_cast<int64_t>((*rows)[0].Uint64(0))
               : 0;
  }
  int64_t SealedEpoch() {
    return Number("SELECT epoch FROM record_blocks ORDER BY number DESC LIMIT 1");
  }

  int64_t AcknowledgedCount() const {
    int64_t count = 0;
    for (const auto& poster : posters_) count += poster->acknowledged_count();
    return count;
  }

  // Returns which server seals: the one whose log says that it took the lease of now.
  size_t FindLeader() {
    std::optional<size_t> leader;
    EXPECT_TRUE(WaitUntil(Soon(), [&] {
      const std::string taken =
          absl::StrCat("\"message\":\"sealing\",\"epoch\":", SealedEpoch(), ",");
      for (size_t server = 0; server < servers_.size(); ++server) {
        if (absl::StrContains(LogOf(server), taken)) leader = server;
      }
      return leader.has_value();
    }));
    return leader.value_or(0);
  }
  // Waits until another seals, and returns how long that took.
  absl::Duration AwaitTakeOver(int64_t epoch_before, absl::Duration limit) {
    const absl::Time begin = absl::Now();
    EXPECT_TRUE(WaitUntil(begin + limit, [&] { return SealedEpoch() > epoch_before; }))
        << "nobody took over";
    return absl::Now() - begin;
  }

  // Kills the one that seals, under load, and starts it again once another does.
  void KillLeader() {
    const size_t leader = FindLeader();
    const int64_t epoch = SealedEpoch();
    ProcessOf(leader).Kill();
    take_overs_.push_back(AwaitTakeOver(epoch, kTakeOverMax));
    StartServer(leader);
    AwaitPostings(60);
  }

  // Holds the one that seals still until another does, and for a while longer; then lets it go on,
  // and waits until it has noticed.
  void PauseLeader() {
    const size_t leader = FindLeader();
    const int64_t epoch = SealedEpoch();
    ProcessOf(leader).Signal(SIGSTOP);
    take_overs_.push_back(AwaitTakeOver(epoch, kTakeOverFromPausedMax));
    AwaitPostings(8);
    ProcessOf(leader).Signal(SIGCONT);
    // Its next turn is refused, and it says so: at the lease, or because its session is gone.
    EXPECT_TRUE(WaitUntil(Soon(), [&] {
      const std::string log = LogOf(leader);
      const size_t took = log.rfind(absl::StrCat("\"sealing\",\"epoch\":", epoch, ","));
      return took != std::string::npos &&
             log.find("not sealing any more", took) != std::string::npos;
    })) << "it never noticed that it was deposed";
    AwaitPostings(60);
  }

  // Waits until so much more was posted.
  void AwaitPostings(int64_t count) {
    const int64_t wanted = AcknowledgedCount() + count;
    EXPECT_TRUE(WaitUntil(Soon(), [&] { return AcknowledgedCount() >= wanted; }));
  }

  void StopPosting() {
    stop_ = true;
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

  // What must hold when all is over.
  void CheckAll() {
    StopPosting();
    for (const auto& poster : posters_) EXPECT_THAT(poster->surprises(), IsEmpty());
    EXPECT_TRUE(WaitUntil(Soon(), [&] {
      return Number("SELECT COUNT(*) FROM records WHERE sequence IS NULL") == 0;
    }));
    const int64_t head = Number("SELECT MAX(sequence) FROM records");
    EXPECT_EQ(Number("SELECT COUNT(DISTINCT sequence) FROM records"), head);
    // Whoever was succeeded sealed nothing more.
    EXPECT_EQ(Number("SELECT COUNT(*) FROM record_blocks a JOIN record_blocks b ON b.number = "
                     "a.number + 1 WHERE b.epoch < a.epoch"),
              0);
    EXPECT_TRUE(WaitUntil(Soon(), [&] { return follower_->last_sequence() == head; }));
    EXPECT_THAT(follower_->misfits(), IsEmpty());
    CheckFollower();
    EXPECT_THAT(FindNegatives(), IsEmpty());
    EXPECT_THAT(FindBookViolations(*pool_), IsEmpty());
    std::cout << head << " records sealed under "
              << Number("SELECT COUNT(DISTINCT epoch) FROM record_blocks") << " leases, "
              << AcknowledgedCount() << " postings acknowledged, the follower resumed "
              << follower_->resume_count() << " times and waited "
              << absl::FormatDuration(follower_->TakeLongestWait()) << " at most; take-overs took";
    for (const absl::Duration took : take_overs_) std::cout << " " << absl::FormatDuration(took);
    std::cout << "\n";
  }

  // The follower saw what was acknowledged: each once, and what one poster was told first, first.
  void CheckFollower() {
    std::map<std::string, std::vector<size_t>> places;
    const std::vector<std::string> resources = follower_->resources();
    for (size_t i = 0; i < resources.size(); ++i) places[resources[i]].push_back(i + 1);
    for (const auto& poster : posters_) {
      size_t last = 0;
      for (const std::string& movement : poster->acknowledged()) {
        ASSERT_EQ(places[movement].size(), 1u) << movement;
        EXPECT_GT(places[movement][0], last) << movement;
        last = places[movement][0];
      }
    }
  }

  // Applies all sealed movements in their order; returns where a shelf fell below nothing.
  std::vector<std::string> FindNegatives() {
    const absl::StatusOr<mysql::Lease> connection = pool_->Acquire(Soon());
    EXPECT_TRUE(connection.ok()) << connection.status();
    const auto lines = (*connection)
                           ->Query(
                               "SELECT r.sequence, l.source_balance_id, s.state, "
                               "l.destination_balance_id, l.quantity FROM records r JOIN "
                               "movement_lines l ON l.movement_id = r.record_id JOIN balances s ON "
                               "s.balance_id = l.source_balance_id WHERE r.sequence IS NOT NULL "
                               "ORDER BY r.sequence, l.line");
    EXPECT_TRUE(lines.ok()) << lines.status();
    EXPECT_GE(lines->size(), static_cast<size_t>(AcknowledgedCount()));
    std::map<int64_t, int64_t> held;
    std::vector<std::string> negatives;
    for (const mysql::Row line : *lines) {
      held[line.Int64(3)] += line.Int64(4);
      const int64_t left = held[line.Int64(1)] -= line.Int64(4);
      if (line.Int64(2) < 16 && left < 0) {
        negatives.push_back(absl::StrCat("at ", line.Uint64(0), " there was ", left));
      }
    }
    return negatives;
  }

  const mysql::DatabaseThread database_thread_;
  struct Server {
    std::string name;
    Environment settings = {};
    // Of all but the first.
    std::optional<Stack::Replica> replica = std::nullopt;
  };
  std::unique_ptr<Stack> stack_;
  std::vector<Server> servers_;
  std::unique_ptr<mysql::Pool> pool_;
  std::unique_ptr<FeedFollower> follower_;
  std::atomic<bool> stop_ = false;
  std::vector<std::unique_ptr<PairPoster>> posters_;
  std::vector<std::thread> threads_;
  std::vector<absl::Duration> take_overs_;
};

TEST_F(FailOverTest, AnotherGoesOnWhenTheLeaderIsKilled) {
  for (int i = 0; i < 5 && !HasFailure(); ++i) KillLeader();
  CheckAll();
}

TEST_F(FailOverTest, AnotherGoesOnWhenTheLeaderStandsStillAndThatOneWritesNothingMore) {
  for (int i = 0; i < 4 && !HasFailure(); ++i) PauseLeader();
  CheckAll();
}

// The last replica's clock is an hour behind: a process of its own, told a wrong time. It refuses
// to speak of what it takes for the future, so the two others are asked for past moments.
class FailOverWithClocksApartTest : public FailOverTest {
 protected:
  using Stock = std::map<std::string, int64_t>;

  FailOverWithClocksApartTest()
      : FailOverTest({{}, WithClockAhead(-absl::Hours(1))}, WithClockAhead(-absl::Hours(2))) {}

  static Environment WithClockAhead(absl::Duration ahead) {
    return {{"LD_PRELOAD",
             absl::StrCat(std::getenv("QM_TEST_BUILD_DIR"), "/tests/harness/libqm_wrong_clock.so")},
            {"WRONG_CLOCK_SECONDS", absl::StrCat(absl::ToInt64Seconds(ahead))}};
  }

  // Returns what a server says that the city held then; an error if the books of then are open.
  absl::StatusOr<Stock> StockAt(size_t server, absl::Time record_time) {
    v1::ListBalancesRequest request;
    request.set_unit(kCity);
    *request.mutable_as_of()->mutable_record_time() = rpc::RenderTimestamp(record_time);
    v1::Ledger::Stub ledger(asked_[server]);
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Milliseconds(500)));
    v1::ListBalancesResponse response;
    const grpc::Status status = ledger.ListBalances(&context, request, &response);
    if (!status.ok()) return rpc::FromGrpcStatus(status);
    Stock stock;
    for (const v1::Balance& balance : response.balances()) {
      stock[absl::StrCat(balance.lot(), " ", balance.account().location(), " ",
                         balance.account().state())] = balance.base_quantity();
    }
    return stock;
  }

  // Asks both servers in turn for moments since `start`, again and again, and keeps every answer;
  // what was answered before must be answered alike. Once all is over it goes on until enough was
  // answered: while nobody seals there is no answer about the time since.
  void AskForMoments(absl::Time start) {
    int asked = 0;
    while (!is_over_) AskForMoment(asked++, start);
    EXPECT_TRUE(WaitUntil(Soon(), [&] {
      AskForMoment(asked++, start);
      return new_count_ > 10 && again_count_ > 10;
    })) << "hardly any moment was answered";
  }

  void AskForMoment(int asked, absl::Time start) {
    const auto server = static_cast<size_t>(asked % 2);
    // Half of the time one that has been asked for: by then another may seal.
    absl::Time moment = start + (absl::Now() - start) * (asked % 7) / 7;
    if (asked % 4 < 2 && !given_.empty()) {
      moment = std::next(given_.begin(), asked % static_cast<int>(given_.size()))->first;
    }
    const auto stock = StockAt(server, moment);
    if (stock.ok()) Compare(moment, *stock);
    WaitUntil(absl::Now() + absl::Milliseconds(10), [] { return false; });
  }

  void Compare(absl::Time moment, const Stock& stock) {
    const auto [given, is_new] = given_.emplace(moment, stock);
    ++(is_new ? new_count_ : again_count_);
    EXPECT_EQ(given->second, stock) << "as of " << moment;
    for (const auto& [account, quantity] : stock) EXPECT_GE(quantity, 0) << account;
  }

  // The last is the one whose clock is wrong.
  const std::array<std::shared_ptr<grpc::Channel>, 3> asked_ = {Connect(0), Connect(1), Connect(2)};
  std::atomic<bool> is_over_ = false;
  std::map<absl::Time, Stock> given_;
  int new_count_ = 0;
  int again_count_ = 0;
};

TEST_F(FailOverWithClocksApartTest, NoFollowerSeesLessThanNothingAndNoAnswerChanges) {
  const absl::Time start = absl::Now();
  const auto at_the_wrong_one = StockAt(2, start);
  ASSERT_TRUE(absl::IsInvalidArgument(at_the_wrong_one.status())) << "its clock is not behind";
  std::thread reader([&] { AskForMoments(start); });
  for (int i = 0; i < 4 && !HasFailure(); ++i) {
    if (i % 2 == 0) {
      KillLeader();
    } else {
      PauseLeader();
    }
  }
  is_over_ = true;
  reader.join();
  CheckAll();

  for (const auto& [moment, stock] : given_) {
    for (const size_t server : {size_t{0}, size_t{1}}) {
      absl::StatusOr<Stock> again = absl::UnknownError("not asked");
      EXPECT_TRUE(WaitUntil(Soon(), [&] { return (again = StockAt(server, moment)).ok(); }));
      EXPECT_EQ(again.value_or(Stock()), stock) << "as of " << moment << " at server " << server;
    }
  }
  std::set<Stock> stocks;
  for (const auto& [moment, stock] : given_) stocks.insert(stock);
  EXPECT_GT(stocks.size(), 1u) << "all moments were alike";
  std::cout << new_count_ << " moments answered, " << again_count_ << " times asked again\n";
}

}  // namespace
}  // namespace quartermaster::testing
