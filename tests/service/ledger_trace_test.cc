// `Ledger.TraceLot`: where a lot came from, which way it went, what became of it, and how much of
// that each caller is told.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/rpc/page_token.h"
#include "platform/rpc/parse.h"
#include "quartermaster/inventory/v1/transfers.grpc.pb.h"
#include "tests/service/ledger_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Who may read a unit that has never seen the lot.
constexpr char kSouth[] = "persons/south";

class TraceLotTest : public LedgerTest {
 protected:
  TraceLotTest() {
    MakeUnit("south", "units/city");
    server_.reset();
    server_ = InventoryServer::Start(database_, {.seals = true, .keeps_history = true});
    FakeAuthenticator& people = server_->authenticator();
    people.Grant(
        kClerk, "units/city",
        {"ledger.read", "ledger.post", "ledger.reverse", "ledger.correct", "ledger.dispose",
         "units.read", "transfers.create", "transfers.read", "transfers.dispatch"});
    people.Grant(kEast, "units/east", {"ledger.read"});
    people.Grant(kWest, "units/west", {"ledger.read", "transfers.read", "transfers.receive"});
    people.Grant(kSouth, "units/south", {"ledger.read"});
    people.Grant(kStranger, "units/city", {"units.read"});
  }

  static v1::TraceLotRequest ATrace(const std::string& lot = kMasks) {
    v1::TraceLotRequest request;
    request.set_name(lot);
    return request;
  }

  absl::StatusOr<v1::TraceLotResponse> Trace(const v1::TraceLotRequest& request,
                                             const std::string& caller = kClerk) {
    return server_->Call(&LedgerStub::TraceLot, request, caller);
  }

  // Waits until traces tell of all that was posted, then reads one to its end. The first page's
  // totals stay.
  v1::TraceLotResponse ReadAll(v1::TraceLotRequest request, const std::string& caller = kClerk) {
    CatchUp();
    v1::TraceLotResponse all;
    do {
      const auto page = Trace(request, caller);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      EXPECT_EQ(page->has_totals(), request.page_token().empty());
      if (request.page_size() > 0) {
        EXPECT_LE(page->movements_size(), request.page_size());
      }
      all.MergeFrom(*page);
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return all;
  }

  void CatchUp() {
    EXPECT_TRUE(WaitUntil(absl::Now() + absl::Seconds(20), [&] {
      auto lease = database_.pool().Acquire(absl::Now() + absl::Seconds(10));
      const auto rows = (*lease)->Query(
          "SELECT (SELECT COUNT(*) FROM records) = (SELECT sequence FROM history_progress)");
      return rows.ok() && !rows->empty() && !(*rows)[0].IsNull(0) && (*rows)[0].Int64(0) == 1;
    }));
  }

  // `REASON from -> to quantity`, one for each line.
  static std::vector<std::string> Steps(const v1::TraceLotResponse& trace) {
    std::vector<std::string> steps;
    const auto end = [](const v1::Account& account) {
      return absl::StrCat(account.location().substr(account.location().rfind('/') + 1), " ",
                          v1::AccountState_Name(account.state()));
    };
    for (const v1::Movement& movement : trace.movements()) {
      for (const v1::MovementLine& line : movement.lines()) {
        steps.push_back(absl::StrCat(v1::MovementReason_Name(movement.reason()), " ",
                                     end(line.source()), " -> ", end(line.destination()), " ",
                                     line.base_quantity()));
      }
    }
    return steps;
  }

  // What the lines of a trace leave in each account that `is_seen`, and what its balances say.
  static void ExpectToAddUp(const v1::TraceLotResponse& trace) {
    std::map<std::string, int64_t> from_lines;
    std::map<std::string, int64_t> from_balances;
    const auto key = [](const v1::Account& account) {
      return absl::StrCat(account.location(), " ", account.state(), " ", account.holder());
    };
    for (const v1::Movement& movement : trace.movements()) {
      for (const v1::MovementLine& line : movement.lines()) {
        from_lines[key(line.source())] -= line.base_quantity();
        from_lines[key(line.destination())] += line.base_quantity();
      }
    }
    std::erase_if(from_lines, [](const auto& account) { return account.second == 0; });
    for (const v1::Balance& balance : trace.balances()) {
      from_balances[key(balance.account())] = balance.base_quantity();
    }
    EXPECT_EQ(from_lines, from_balances);
    const v1::LotTotals& totals = trace.totals();
    EXPECT_EQ(totals.received_quantity(),
              totals.on_hand_quantity() + totals.in_transit_quantity() + totals.in_use_quantity() +
                  totals.consumed_quantity() + totals.sold_quantity() + totals.given_quantity() +
                  totals.lost_quantity() + totals.expired_quantity() + totals.destroyed_quantity() +
                  totals.elsewhere_quantity());
  }

  v1::Transfer Send(int64_t amount) {
    v1::CreateTransferRequest create;
    create.set_source(kDepot);
    create.set_destination(kRoom);
    create.add_lines()->set_lot(kMasks);
    create.mutable_lines(0)->mutable_quantity()->set_amount(amount);
    create.set_request_id(NewRequestId());
    const auto draft = server_->Call(&v1::Transfers::Stub::CreateTransfer, create, kClerk);
    EXPECT_TRUE(draft.ok()) << draft.status();
    v1::DispatchTransferRequest dispatch;
    dispatch.set_name(draft->name());
    dispatch.set_etag(draft->etag());
    dispatch.set_request_id(NewRequestId());
    const auto sent = server_->Call(&v1::Transfers::Stub::DispatchTransfer, dispatch, kClerk);
    EXPECT_TRUE(sent.ok()) << sent.status();
    return sent.value_or(v1::Transfer());
  }

  void Accept(const v1::Transfer& transfer, int64_t accepted) {
    v1::ConfirmTransferReceiptRequest confirm;
    confirm.set_name(transfer.name());
    confirm.set_etag(transfer.etag());
    confirm.add_lines()->set_line(1);
    confirm.mutable_lines(0)->set_accepted(accepted);
    confirm.set_request_id(NewRequestId());
    EXPECT_EQ(Outcome(server_->Call(&v1::Transfers::Stub::ConfirmTransferReceipt, confirm, kWest)),
              "OK");
  }

  // Two hundred come to the depot, by a paper; fifty of them are entered twice and reversed, twenty
  // sent back, forty go to the room, of which thirty arrive and nine are used there, five are lost.
  void TellAStory() {
    paper_ = MustPost(WithPaper(AReceipt(200), "D-7"));
    mistake_ = MustPost(AReceipt(50));
    reversal_ = Reverse(AReversal(mistake_))->name();
    MustPost(APosting(v1::SEND_BACK, {ALine(kMasks, kDepot, v1::AVAILABLE, v1::SUPPLIER, 20)}));
    MustPost(AReceipt(1000, kDepot, kOtherMasks));
    arrived_ = Send(30);
    Accept(arrived_, 30);
    on_the_way_ = Send(10);
    MustPost(AConsumption(9, kRoom));
    MustPost(APosting(v1::WRITE_OFF, {ALine(kMasks, kDepot, v1::AVAILABLE, v1::LOST, 5)}));
  }

  const std::vector<std::string> story_ = {"RECEIVE depot SUPPLIER -> depot AVAILABLE 200",
                                           "RECEIVE depot SUPPLIER -> depot AVAILABLE 50",
                                           "REVERSE depot AVAILABLE -> depot SUPPLIER 50",
                                           "SEND_BACK depot AVAILABLE -> depot SUPPLIER 20",
                                           "DISPATCH depot AVAILABLE -> room IN_TRANSIT 30",
                                           "ARRIVE room IN_TRANSIT -> room AVAILABLE 30",
                                           "DISPATCH depot AVAILABLE -> room IN_TRANSIT 10",
                                           "CONSUME room AVAILABLE -> room CONSUMED 9",
                                           "WRITE_OFF depot AVAILABLE -> depot LOST 5"};
  std::string paper_;
  std::string mistake_;
  std::string reversal_;
  v1::Transfer arrived_;
  v1::Transfer on_the_way_;
};

TEST_F(TraceLotTest, TellsTheWayFromTheSourceToTheUseAndBack) {
  TellAStory();

  const v1::TraceLotResponse trace = ReadAll(ATrace());
  v1::TraceLotRequest back = ATrace();
  back.set_direction(v1::TraceLotRequest::BACK_TO_SOURCE);

  EXPECT_EQ(trace.lot().name(), kMasks);
  EXPECT_EQ(trace.lot().origin(), v1::Lot::SUPPLIER);
  EXPECT_EQ(Steps(trace), story_);
  EXPECT_EQ(trace.movements(0).name(), paper_);
  EXPECT_EQ(trace.movements(0).source_document().number(), "D-7");
  EXPECT_EQ(trace.movements(1).reversed_by(), reversal_);
  EXPECT_EQ(trace.movements(2).reverses(), mistake_);
  EXPECT_EQ(trace.movements(4).document(), arrived_.name());
  const v1::LotTotals& totals = trace.totals();
  EXPECT_EQ(totals.received_quantity(), 180);
  EXPECT_EQ(totals.on_hand_quantity(), 135 + 21);
  EXPECT_EQ(totals.in_transit_quantity(), 10);
  EXPECT_EQ(totals.consumed_quantity(), 9);
  EXPECT_EQ(totals.lost_quantity(), 5);
  EXPECT_EQ(totals.elsewhere_quantity(), 0);
  EXPECT_EQ(totals.base_unit(), "piece");
  ExpectToAddUp(trace);
  ASSERT_EQ(trace.balances_size(), 6);
  EXPECT_EQ(trace.balances(2).account().holder(), on_the_way_.name());
  EXPECT_EQ(trace.unlisted_balance_count(), 0);
  EXPECT_GT(trace.sealed_moment().sequence(), 0);

  std::vector<std::string> steps_back = Steps(ReadAll(back));
  EXPECT_EQ(steps_back, std::vector<std::string>(story_.rbegin(), story_.rend()));
  for (const int page_size : {1, 2, 4, 9}) {
    v1::TraceLotRequest request = ATrace();
    request.set_page_size(page_size);
    EXPECT_EQ(Steps(ReadAll(request)), story_) << page_size;
    back.set_page_size(page_size);
    EXPECT_EQ(Steps(ReadAll(back)), steps_back) << page_size;
  }
  EXPECT_THAT(Steps(ReadAll(ATrace(kAlcohol))), IsEmpty());
}

// Goal: whoever covers a part of the way sees that part, and how much went beyond it; nobody else
// learns that the lot exists.
TEST_F(TraceLotTest, TellsNoMoreThanTheCallersUnits) {
  TellAStory();
  MustPost(
      WithPaper(APosting(v1::CONSUME, {ALine(kMasks, kRoom, v1::AVAILABLE, v1::CONSUMED, 1),
                                       ALine(kOtherMasks, kDepot, v1::AVAILABLE, v1::CONSUMED, 400),
                                       ALine(kMasks, kDepot, v1::AVAILABLE, v1::CONSUMED, 2)}),
                "D-8"));

  const v1::TraceLotResponse all = ReadAll(ATrace());
  const v1::TraceLotResponse east = ReadAll(ATrace(), kEast);
  const v1::TraceLotResponse west = ReadAll(ATrace(), kWest);
  CatchUp();

  // The line of the other lot is left out, not withheld.
  const v1::Movement& mixed = all.movements(all.movements_size() - 1);
  EXPECT_EQ(mixed.lines_size(), 2);
  EXPECT_EQ(mixed.lines(1).line(), 3);
  EXPECT_EQ(mixed.withheld_line_count(), 0);
  EXPECT_TRUE(mixed.has_source_document());
  ExpectToAddUp(all);
  std::vector<std::string> of_east = story_;
  of_east.erase(of_east.begin() + 7);  // used in the room
  of_east.erase(of_east.begin() + 5);  // arrived in the room
  of_east.push_back("CONSUME depot AVAILABLE -> depot CONSUMED 2");
  EXPECT_EQ(Steps(east), of_east);
  EXPECT_EQ(east.movements(6).lines_size() + east.movements(6).withheld_line_count(), 1);
  EXPECT_EQ(east.movements(7).withheld_line_count(), 1);
  EXPECT_FALSE(east.movements(7).has_source_document());
  EXPECT_EQ(east.totals().received_quantity(), 180);
  EXPECT_EQ(east.totals().on_hand_quantity(), 133);
  EXPECT_EQ(east.totals().in_transit_quantity(), 0);
  EXPECT_EQ(east.totals().elsewhere_quantity(), 40);
  EXPECT_EQ(west.totals().received_quantity(), 0);
  EXPECT_EQ(west.totals().elsewhere_quantity(), -40);
  EXPECT_EQ(west.totals().in_transit_quantity(), 10);
  EXPECT_THAT(Steps(west), ElementsAre(story_[4], story_[5], story_[6], story_[7],
                                       "CONSUME room AVAILABLE -> room CONSUMED 1"));
  for (const v1::Balance& balance : west.balances()) {
    EXPECT_EQ(balance.account().location(), kRoom);
  }
  const auto unknown = Trace(ATrace(), kSouth);
  const auto ghost = Trace(ATrace("items/mask/lots/ghost"), kSouth);
  EXPECT_EQ(Outcome(unknown), "NOT_FOUND LOT_NOT_FOUND");
  EXPECT_EQ(Outcome(ghost), "NOT_FOUND LOT_NOT_FOUND");
  // East owns it and sees its facts, but not what only west was given.
  EXPECT_EQ(Outcome(CreateLot(ACreateLot("items/mask", "east-m3"))), "OK");
  MustPost(AReceipt(5, kRoom, "items/mask/lots/east-m3"));
  const v1::TraceLotResponse own = ReadAll(ATrace("items/mask/lots/east-m3"), kEast);
  EXPECT_EQ(own.lot().owner(), "units/east");
  EXPECT_EQ(own.movements_size() + own.balances_size(), 0);
  EXPECT_EQ(own.totals().elsewhere_quantity(), 0);
}

TEST_F(TraceLotTest, FailsInTheDocumentedOrder) {
  MustPost(AReceipt(1));
  CatchUp();
  v1::TraceLotRequest request = ATrace("mask");
  request.set_page_size(-1);
  request.set_page_token("x");
  request.set_direction(static_cast<v1::TraceLotRequest::Direction>(9));
  *request.mutable_as_of()->mutable_record_time() =
      rpc::RenderTimestamp(absl::Now() + absl::Minutes(1));

  EXPECT_EQ(Outcome(Trace(request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Trace(request, kStranger)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_THAT(ViolatedFields(Trace(request, kSouth)),
              ElementsAre("name", "page_size", "direction", "page_token"));
  request = ATrace("items/mask/lots/ghost");
  *request.mutable_as_of()->mutable_record_time() =
      rpc::RenderTimestamp(absl::Now() + absl::Minutes(1));
  EXPECT_THAT(ViolatedFields(Trace(request, kSouth)), ElementsAre("as_of.record_time"));
  *request.mutable_as_of()->mutable_record_time() =
      rpc::RenderTimestamp(absl::Now() - absl::Microseconds(1));
  const auto too_soon = Trace(request, kSouth);
  EXPECT_EQ(Outcome(too_soon), "FAILED_PRECONDITION NOT_SEALED_YET");
  EXPECT_NE(Metadata(too_soon, "closed_time"), "(none)");
  EXPECT_EQ(Outcome(Trace(ATrace("items/mask/lots/ghost"))), "NOT_FOUND LOT_NOT_FOUND");
  EXPECT_EQ(Outcome(Trace(ATrace("items/ghost/lots/m1"))), "NOT_FOUND LOT_NOT_FOUND");
  EXPECT_EQ(Outcome(Trace(ATrace())), "OK");
  // A token goes on with the trace that it was made for.
  MustPost(AReceipt(2));
  CatchUp();
  v1::TraceLotRequest next = ATrace();
  next.set_page_size(1);
  next.set_page_token(Trace(next)->next_page_token());
  ASSERT_NE(next.page_token(), "");
  next.set_direction(v1::TraceLotRequest::BACK_TO_SOURCE);
  EXPECT_THAT(ViolatedFields(Trace(next)), ElementsAre("page_token"));
  next.set_direction(v1::TraceLotRequest::ON_TO_USE);
  EXPECT_EQ(Outcome(Trace(next)), "OK");
}

// Goal: pages of one trace are of one moment, however much is posted between them.
TEST_F(TraceLotTest, RefusesTokensThatSomebodyMadeUp) {
  MustPost(AReceipt(1));
  CatchUp();
  v1::TraceLotRequest request = ATrace();
  v1::TraceLotRequest query = request;
  query.set_direction(v1::TraceLotRequest::ON_TO_USE);
  const auto violated = [&](const std::string& position) {
    request.set_page_token(rpc::MakePageToken("TraceLot\n" + query.SerializeAsString(), position));
    return ViolatedFields(Trace(request));
  };

  EXPECT_THAT(violated("1@1"), ElementsAre());
  for (const std::string position : {"1", "x@1", "1@1@1", "0@1", "2@1", "-9223372036854775808@1",
                                     "9223372036854775807@9223372036854775807"}) {
    EXPECT_THAT(violated(position), ElementsAre("page_token")) << position;
  }
}

TEST_F(TraceLotTest, PagesRestOnTheSameMoment) {
  for (int i = 1; i <= 3; ++i) MustPost(AReceipt(i));
  CatchUp();
  for (const auto direction :
       {v1::TraceLotRequest::ON_TO_USE, v1::TraceLotRequest::BACK_TO_SOURCE}) {
    v1::TraceLotRequest request = ATrace();
    request.set_direction(direction);
    request.set_page_size(2);
    const auto first = Trace(request);
    ASSERT_TRUE(first.ok()) << first.status();
    MustPost(AReceipt(50));
    MustPost(AConsumption(1));
    CatchUp();
    request.set_page_token(first->next_page_token());
    v1::TraceLotResponse all = *first;
    do {
      const auto page = Trace(request);
      ASSERT_TRUE(page.ok()) << page.status();
      EXPECT_EQ(page->sealed_moment().sequence(), first->sealed_moment().sequence());
      all.MergeFrom(*page);
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    ExpectToAddUp(all);
  }
}

TEST_F(TraceLotTest, TellsWhatWasKnownOrHadHappenedAtAPastMoment) {
  v1::PostMovementRequest late = AReceipt(50);
  const absl::Time long_ago = absl::Now() - absl::Hours(24 * 800);
  const auto first = Post(AReceipt(7));
  *late.mutable_occurred_time() = rpc::RenderTimestamp(long_ago);
  const auto second = Post(late);
  const auto reversal = Reverse(AReversal(first->name()));
  ASSERT_TRUE(reversal.ok()) << reversal.status();
  const auto time_of = [](const v1::Movement& movement) {
    return absl::FromUnixSeconds(movement.record_time().seconds()) +
           absl::Nanoseconds(movement.record_time().nanos());
  };
  v1::TraceLotRequest recorded = ATrace();
  *recorded.mutable_as_of()->mutable_record_time() = rpc::RenderTimestamp(time_of(*second));
  ASSERT_TRUE(WaitUntil(absl::Now() + absl::Seconds(20), [&] { return Trace(recorded).ok(); }));
  v1::TraceLotRequest occurred = ATrace();
  *occurred.mutable_as_of()->mutable_occurred_time() = rpc::RenderTimestamp(long_ago);

  const v1::TraceLotResponse then = ReadAll(recorded);
  const v1::TraceLotResponse happened = ReadAll(occurred);

  EXPECT_THAT(Steps(then), ElementsAre("RECEIVE depot SUPPLIER -> depot AVAILABLE 7",
                                       "RECEIVE depot SUPPLIER -> depot AVAILABLE 50"));
  EXPECT_EQ(then.movements(0).reversed_by(), "");
  EXPECT_EQ(then.totals().on_hand_quantity(), 57);
  ExpectToAddUp(then);
  EXPECT_THAT(Steps(happened), ElementsAre("RECEIVE depot SUPPLIER -> depot AVAILABLE 50"));
  EXPECT_EQ(happened.totals().received_quantity(), 50);
  ExpectToAddUp(happened);
  EXPECT_EQ(ReadAll(ATrace()).movements(0).reversed_by(), reversal->name());
}

}  // namespace
}  // namespace quartermaster::testing
