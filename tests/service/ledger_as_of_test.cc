// Ledger reads with `as_of`, while two replicas whose clocks are an hour apart seal and post.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/rpc/parse.h"
#include "quartermaster/inventory/v1/transfers.grpc.pb.h"
#include "tests/service/ledger_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;

using Stock = std::map<std::string, int64_t>;

class AsOfTest : public LedgerTest {
 protected:
  AsOfTest() {
    server_.reset();
    server_ = InventoryServer::Start(database_, {.seals = true, .keeps_history = true});
    Admit(*server_);
  }

  static void Admit(InventoryServer& server) {
    server.authenticator().Grant(kClerk, "units/city",
                                 {"ledger.read", "ledger.post", "ledger.reverse", "ledger.prove",
                                  "ledger.correct", "ledger.dispose", "ledger.open"});
    server.authenticator().Grant(kEast, "units/east", {"ledger.read"});
  }

  static v1::ListBalancesRequest Of(const std::string& unit) {
    v1::ListBalancesRequest request;
    request.set_unit(unit);
    return request;
  }
  static v1::ListBalancesRequest Recorded(absl::Time time) {
    v1::ListBalancesRequest request = Of("units/city");
    *request.mutable_as_of()->mutable_record_time() = rpc::RenderTimestamp(time);
    return request;
  }
  static v1::ListBalancesRequest Occurred(absl::Time time) {
    v1::ListBalancesRequest request = Of("units/city");
    *request.mutable_as_of()->mutable_occurred_time() = rpc::RenderTimestamp(time);
    return request;
  }

  absl::StatusOr<v1::ListBalancesResponse> List(const v1::ListBalancesRequest& request,
                                                const std::string& caller = kClerk) {
    return server_->Call(&LedgerStub::ListBalances, request, caller);
  }

  // Returns `lot location STATE` with the quantity, over all pages.
  Stock StockAt(v1::ListBalancesRequest request, int page_size = 2) {
    Stock stock;
    request.set_page_size(page_size);
    do {
      const auto page = List(request);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      for (const v1::Balance& balance : page->balances()) {
        stock[absl::StrCat(balance.lot(), " ", balance.account().location(), " ",
                           v1::AccountState_Name(balance.account().state()))] =
            balance.base_quantity();
      }
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return stock;
  }

  // Waits until the record clock is closed up to `time`.
  void WaitUntilClosed(absl::Time time) {
    const absl::Time until = absl::Now() + absl::Seconds(20);
    while (!List(Recorded(time)).ok()) {
      ASSERT_LT(absl::Now(), until) << List(Recorded(time)).status();
      absl::SleepFor(absl::Milliseconds(5));
    }
  }

  absl::Time RecordTimeOf(const v1::Movement& movement) {
    return absl::FromUnixSeconds(movement.record_time().seconds()) +
           absl::Nanoseconds(movement.record_time().nanos());
  }

  // Fifty masks come to the depot, a paper of long ago brings seven to the shelf, and the fifty are
  // reversed. On the record clock all of it is closed.
  struct History {
    absl::Time long_ago;
    v1::Movement first;
    v1::Movement second;
    v1::Movement reversal;
  };
  History PostHistory() {
    History history{.long_ago = absl::Now() - absl::Hours(24 * 800)};
    history.first = Post(AReceipt(50)).value();
    v1::PostMovementRequest late = AReceipt(7, kShelf);
    *late.mutable_occurred_time() = rpc::RenderTimestamp(history.long_ago);
    history.second = Post(late).value();
    history.reversal = Reverse(AReversal(history.first.name())).value();
    WaitUntilClosed(RecordTimeOf(history.reversal));
    return history;
  }
};

TEST_F(AsOfTest, SaysWhatTheBooksHeldOnEitherClock) {
  const auto [long_ago, first, second, reversal] = PostHistory();
  const std::string depot = absl::StrCat(kMasks, " ", kDepot, " AVAILABLE");
  const std::string shelf = absl::StrCat(kMasks, " ", kShelf, " AVAILABLE");

  EXPECT_EQ(StockAt(Recorded(RecordTimeOf(first) - absl::Microseconds(1))), Stock());
  EXPECT_EQ(StockAt(Recorded(RecordTimeOf(first))), (Stock{{depot, 50}}));
  EXPECT_EQ(StockAt(Recorded(RecordTimeOf(second))), (Stock{{depot, 50}, {shelf, 7}}));
  EXPECT_EQ(StockAt(Recorded(RecordTimeOf(reversal))), (Stock{{shelf, 7}}));
  EXPECT_EQ(StockAt(Occurred(long_ago)), (Stock{{shelf, 7}}));
  EXPECT_EQ(StockAt(Occurred(long_ago - absl::Microseconds(1))), Stock());
  // A reversal happened when what it reverses did: on this clock it never was.
  EXPECT_EQ(StockAt(Occurred(absl::Now())), (Stock{{shelf, 7}}));
  v1::ListBalancesRequest both = Recorded(RecordTimeOf(second));
  *both.mutable_as_of()->mutable_occurred_time() = rpc::RenderTimestamp(RecordTimeOf(second));
  EXPECT_EQ(StockAt(both), (Stock{{depot, 50}, {shelf, 7}}));
  *both.mutable_as_of()->mutable_occurred_time() = rpc::RenderTimestamp(long_ago);
  EXPECT_EQ(StockAt(both), (Stock{{shelf, 7}}));
  const auto answer = List(both);
  EXPECT_GT(answer->sealed_moment().sequence(), 0);
  EXPECT_TRUE(answer->sealed_moment().has_closed_time());
  EXPECT_FALSE(List(Of("units/city"))->has_sealed_moment());
}

// Goal: nobody makes the server say of a past moment what was so at another.
TEST_F(AsOfTest, ATokenLeadsToNoMomentThatWasNotFound) {
  const auto [long_ago, first, second, reversal] = PostHistory();
  v1::ListBalancesRequest request = Recorded(RecordTimeOf(first));
  const int64_t sequence = List(request)->sealed_moment().sequence();
  const auto go_back_to = [&](int64_t moment) {
    request.set_page_token(MakeToken(request, absl::StrCat("0@", moment)));
    return List(request);
  };

  EXPECT_EQ(go_back_to(sequence)->sealed_moment().sequence(), sequence);
  for (const int64_t made_up : {sequence + 1, int64_t{-1}, std::numeric_limits<int64_t>::max()}) {
    EXPECT_THAT(ViolatedFields(go_back_to(made_up)), ElementsAre("page_token")) << made_up;
  }
}

TEST_F(AsOfTest, ShowsMovementsAsTheyWereKnown) {
  const auto [long_ago, first, second, reversal] = PostHistory();
  const auto names = [&](const type::v1::AsOf& as_of, int page_size) {
    std::vector<std::string> listed;
    v1::ListMovementsRequest request;
    request.set_unit("units/city");
    request.set_page_size(page_size);
    *request.mutable_as_of() = as_of;
    do {
      const auto page = server_->Call(&LedgerStub::ListMovements, request, kClerk);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      EXPECT_GT(page->sealed_moment().sequence(), 0);
      for (const v1::Movement& movement : page->movements()) {
        listed.push_back(movement.name() + (movement.reversed_by().empty() ? "" : " reversed"));
      }
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return listed;
  };
  const auto get = [&](const std::string& name, const type::v1::AsOf& as_of) {
    v1::GetMovementRequest request;
    request.set_name(name);
    *request.mutable_as_of() = as_of;
    return server_->Call(&LedgerStub::GetMovement, request, kClerk);
  };
  const type::v1::AsOf at_second = Recorded(RecordTimeOf(second)).as_of();
  const type::v1::AsOf at_reversal = Recorded(RecordTimeOf(reversal)).as_of();

  for (const int page_size : {1, 2, 100}) {
    EXPECT_THAT(names(at_second, page_size), ElementsAre(second.name(), first.name()));
    EXPECT_THAT(names(at_reversal, page_size),
                ElementsAre(reversal.name(), second.name(), first.name() + " reversed"));
    EXPECT_THAT(names(Occurred(long_ago).as_of(), page_size), ElementsAre(second.name()));
  }
  EXPECT_EQ(get(first.name(), at_second)->reversed_by(), "");
  EXPECT_EQ(get(first.name(), at_reversal)->reversed_by(), reversal.name());
  EXPECT_EQ(Outcome(get(reversal.name(), at_second)), "NOT_FOUND MOVEMENT_NOT_FOUND");
  EXPECT_EQ(Outcome(get(first.name(), Occurred(long_ago).as_of())), "NOT_FOUND MOVEMENT_NOT_FOUND");
}

TEST_F(AsOfTest, SumsStockOfAPastMoment) {
  v1::PostMovementRequest first = AReceipt(50);
  const absl::Time long_ago = absl::Now() - absl::Hours(24 * 800);
  *first.mutable_occurred_time() = rpc::RenderTimestamp(long_ago);
  const auto posted = Post(first);
  const auto used =
      Post(APosting(v1::CONSUME, {ALine(kMasks, kDepot, v1::AVAILABLE, v1::CONSUMED, 20)}));
  ASSERT_TRUE(used.ok()) << used.status();
  WaitUntilClosed(RecordTimeOf(*used));
  const auto available = [&](const type::v1::AsOf& as_of) {
    v1::SummarizeStockRequest request;
    request.set_unit("units/city");
    *request.mutable_as_of() = as_of;
    const auto summary = server_->Call(&LedgerStub::SummarizeStock, request, kClerk);
    EXPECT_TRUE(summary.ok()) << summary.status();
    if (!summary.ok() || summary->lines().empty()) return int64_t{0};
    EXPECT_EQ(summary->lines(0).item(), "items/mask");
    return summary->lines(0).available();
  };

  EXPECT_EQ(available(Recorded(RecordTimeOf(*posted) - absl::Microseconds(1)).as_of()), 0);
  EXPECT_EQ(available(Recorded(RecordTimeOf(*posted)).as_of()), 50);
  EXPECT_EQ(available(Recorded(RecordTimeOf(*used)).as_of()), 30);
  EXPECT_EQ(available(Occurred(long_ago).as_of()), 50);
  EXPECT_EQ(available(Occurred(long_ago - absl::Hours(1)).as_of()), 0);
  EXPECT_EQ(available(Occurred(absl::Now()).as_of()), 30);
}

// Goal: the pages of one situation are of one moment, whatever is sealed in between.
TEST_F(AsOfTest, PagesOfSumsAreOfOneMoment) {
  const auto posted = Post(AReceipt(50));
  const auto elsewhere = Post(AReceipt(7, kRoom));
  WaitUntilClosed(RecordTimeOf(*elsewhere));
  v1::SummarizeStockRequest request;
  request.set_unit("units/city");
  request.set_page_size(1);
  *request.mutable_as_of() = Occurred(absl::Now()).as_of();
  const auto ask = [&] { return server_->Call(&LedgerStub::SummarizeStock, request, kClerk); };
  const auto first = ask();
  ASSERT_TRUE(first.ok()) << first.status();
  v1::PostMovementRequest late = AReceipt(9, kRoom);
  *late.mutable_occurred_time() = posted->occurred_time();
  WaitUntilClosed(RecordTimeOf(Post(late).value()));

  request.set_page_token(first->next_page_token());
  const auto second = ask();

  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(first->lines(0).available(), 50);
  EXPECT_EQ(second->lines(0).available(), 7);
  EXPECT_EQ(second->sealed_moment().sequence(), first->sealed_moment().sequence());
  EXPECT_EQ(second->next_page_token(), "");
  request.set_page_token(MakeToken(
      request, absl::StrCat("units/east items/mask ", first->sealed_moment().sequence() + 100)));
  EXPECT_THAT(ViolatedFields(ask()), ElementsAre("page_token"));
}

TEST_F(AsOfTest, ShowsTransfersAsTheyWere) {
  server_->authenticator().Grant(
      kClerk, "units/city",
      {"units.read", "transfers.create", "transfers.read", "transfers.dispatch"});
  MustPost(AReceipt(50));
  v1::CreateTransferRequest create;
  create.set_source(kDepot);
  create.set_destination(kRoom);
  create.add_lines()->set_lot(kMasks);
  create.mutable_lines(0)->mutable_quantity()->set_amount(5);
  create.set_request_id(NewRequestId());
  const auto created = server_->Call(&v1::Transfers::Stub::CreateTransfer, create, kClerk);
  ASSERT_TRUE(created.ok()) << created.status();
  v1::DispatchTransferRequest dispatch;
  dispatch.set_name(created->name());
  dispatch.set_etag(created->etag());
  dispatch.set_request_id(NewRequestId());
  const auto sent = server_->Call(&v1::Transfers::Stub::DispatchTransfer, dispatch, kClerk);
  ASSERT_TRUE(sent.ok()) << sent.status();
  const auto time_of = [](const google::protobuf::Timestamp& time) {
    return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
  };
  WaitUntilClosed(time_of(sent->update_time()));
  const auto state_at = [&](absl::Time time) {
    v1::GetTransferRequest request;
    request.set_name(created->name());
    *request.mutable_as_of() = Recorded(time).as_of();
    v1::ListTransfersRequest list;
    list.set_unit("units/west");
    *list.mutable_as_of() = request.as_of();
    const auto found = server_->Call(&v1::Transfers::Stub::GetTransfer, request, kClerk);
    const auto listed = server_->Call(&v1::Transfers::Stub::ListTransfers, list, kClerk);
    EXPECT_TRUE(listed.ok()) << listed.status();
    if (!found.ok()) return absl::StrCat(Outcome(found), " ", listed->transfers_size());
    EXPECT_EQ(listed->transfers(0).SerializeAsString(), found->SerializeAsString());
    return v1::TransferState_Name(found->state());
  };

  EXPECT_EQ(state_at(time_of(created->create_time()) - absl::Microseconds(1)),
            "NOT_FOUND TRANSFER_NOT_FOUND 0");
  EXPECT_EQ(state_at(time_of(created->create_time())), "DRAFT");
  EXPECT_EQ(state_at(time_of(sent->update_time())), "ON_THE_WAY");
  v1::ListTransfersRequest waiting;
  waiting.set_unit("units/city");
  waiting.set_waiting_for_me(true);
  *waiting.mutable_as_of() = Recorded(time_of(sent->update_time())).as_of();
  EXPECT_THAT(ViolatedFields(server_->Call(&v1::Transfers::Stub::ListTransfers, waiting, kClerk)),
              ElementsAre("waiting_for_me"));
}

TEST_F(AsOfTest, FailsInTheDocumentedOrder) {
  v1::ListBalancesRequest request = Recorded(absl::Now() + absl::Minutes(1));
  *request.mutable_as_of()->mutable_occurred_time() =
      rpc::RenderTimestamp(absl::Now() + absl::Minutes(6));
  request.set_unit("units/west");

  EXPECT_THAT(ViolatedFields(List(request, kEast)),
              ElementsAre("as_of.record_time", "as_of.occurred_time"));
  request = Recorded(absl::Now() - absl::Microseconds(1));
  request.set_unit("units/west");
  EXPECT_EQ(Outcome(List(request, kEast)), "PERMISSION_DENIED PERMISSION_DENIED");
  request.set_unit("units/east");
  const auto too_soon = List(request, kEast);
  EXPECT_EQ(Outcome(too_soon), "FAILED_PRECONDITION NOT_SEALED_YET");
  EXPECT_NE(Metadata(too_soon, "closed_time"), "(none)");
  request.mutable_as_of()->mutable_record_time()->set_seconds(-1);
  EXPECT_THAT(ViolatedFields(List(request, kEast)), ElementsAre("as_of.record_time"));
}

// Goal: whatever was said of a moment stays said, and no moment shows a shelf below zero.
// Method: two replicas, one an hour ahead, post to the same shelves from four callers, while two
// readers ask for moments of the last hour and later ask again.
TEST_F(AsOfTest, AnswersNeverChangeWhileTwoClocksAnHourApartPost) {
  const std::unique_ptr<InventoryServer> ahead = InventoryServer::Start(
      database_,
      {.refreshes = false, .seals = true, .keeps_history = true, .clock_ahead = absl::Hours(1)});
  Admit(*ahead);
  const absl::Time start = absl::Now();
  std::atomic<int> posting_count = 4;
  std::vector<std::thread> callers;
  std::vector<std::vector<v1::PostMovementRequest>> requests(4);
  for (int caller = 0; caller < 4; ++caller) {
    for (int i = 0; i < 40; ++i) {
      v1::PostMovementRequest request =
          i % 2 == 0 ? AReceipt(3, i % 3 == 0 ? kDepot : kShelf)
                     : APosting(v1::CONSUME, {ALine(kMasks, i % 3 == 0 ? kDepot : kShelf,
                                                    v1::AVAILABLE, v1::CONSUMED, 2)});
      if (i % 5 == 0) {
        *request.mutable_occurred_time() = rpc::RenderTimestamp(start - absl::Hours(24 * i));
      }
      requests[static_cast<size_t>(caller)].push_back(request);
    }
    callers.emplace_back([&, caller] {
      InventoryServer& server = caller % 2 == 0 ? *server_ : *ahead;
      for (const auto& request : requests[static_cast<size_t>(caller)]) {
        // Some find too little, which is no matter here.
        server.Call(&LedgerStub::PostMovement, request, kClerk).status().IgnoreError();
      }
      posting_count -= 1;
    });
  }
  std::vector<std::pair<v1::ListBalancesRequest, Stock>> given;
  // Moments of which the books are not closed yet are not answered.
  const absl::Time until = absl::Now() + absl::Seconds(20);
  for (int asked = 0; posting_count > 0 || (given.size() < 10 && absl::Now() < until); ++asked) {
    v1::ListBalancesRequest request = Recorded(start + (absl::Now() - start) * (asked % 10) / 10);
    if (asked % 2 == 0) {
      *request.mutable_as_of()->mutable_occurred_time() =
          rpc::RenderTimestamp(start - absl::Hours(asked));
    }
    if (!List(request).ok()) continue;
    given.emplace_back(request, StockAt(request));
  }
  for (std::thread& caller : callers) caller.join();
  WaitUntilClosed(absl::Now());

  EXPECT_GE(given.size(), 10u);
  for (const auto& [request, stock] : given) {
    EXPECT_EQ(StockAt(request), stock) << request.ShortDebugString();
    if (request.as_of().has_occurred_time()) continue;
    for (const auto& [account, quantity] : stock) EXPECT_GT(quantity, 0) << account;
  }
}

}  // namespace
}  // namespace quartermaster::testing
