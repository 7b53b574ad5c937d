// What commands make of the answers they get.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qmctl/commands/fake_gateway.h"

namespace quartermaster::qmctl {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr char kSituation[] = R"(
  stock { unit: "units/depot" item: "items/mask" available: 1200 in_transit: 300 base_unit: "piece" }
  stock { unit: "units/depot" item: "items/glove" available: 7 base_unit: "piece" }
  stock { unit: "units/swat" item: "items/mask" available: 50 in_transit: 20 base_unit: "piece" }
)";

class BoardTest : public testing::Test {
 protected:
  BoardTest() { gateway_.Answer("Overview/GetSituation", {kSituation}); }

  FakeGateway gateway_;
};

TEST_F(BoardTest, TotalsHaveBothPartsOfACell) {
  const FakeGateway::Run run = gateway_.Execute({"board", "--unit", "city"});

  EXPECT_THAT(run.out, ContainsRegex("depot +1,200\\+300"));
  EXPECT_THAT(run.out, ContainsRegex("TOTAL +1,250\\+320 +7"));
}

TEST_F(BoardTest, ItemsAreKeptToInEveryForm) {
  const std::vector<std::vector<std::string>> forms = {
      {}, {"--details"}, {"-o", "csv"}, {"-o", "json"}};
  for (const std::vector<std::string>& form : forms) {
    std::vector<std::string> arguments = {"board", "--unit", "city", "--items", "mask"};
    arguments.insert(arguments.end(), form.begin(), form.end());

    const FakeGateway::Run run = gateway_.Execute(arguments);

    EXPECT_THAT(run.out, AllOf(HasSubstr("mask"), HasSubstr("swat"), Not(HasSubstr("glove"))));
  }
}

TEST_F(BoardTest, SaysWhichItemsNobodyHas) {
  const FakeGateway::Run run = gateway_.Execute({"board", "--unit", "city", "--items", "mask,msk"});

  EXPECT_EQ(run.err, "Nobody has any msk; qmctl items lists what there is.\n");
}

TEST_F(BoardTest, AllPagesAreOneBoard) {
  gateway_.Answer("Overview/GetSituation",
                  {std::string(kSituation) + R"(next_page_token: "more" read_time { seconds: 7 }
                     titles { name: "units/swat" title { zh: "特警支队" } })",
                   R"(stock { unit: "units/swat" item: "items/tent" available: 3 }
                      stock { unit: "units/zoo" item: "items/mask" available: 5 }
                      titles { name: "units/swat" title { zh: "特警支队" } } read_time { seconds: 8 })"});

  const FakeGateway::Run board = gateway_.Execute({"board", "--unit", "city"});

  EXPECT_THAT(board.out, ContainsRegex("TOTAL +1,255\\+320 +7 +3"));
  EXPECT_THAT(gateway_.requests(),
              ElementsAre(Not(HasSubstr("page_token")), HasSubstr("page_token: \"more\"")));
}

TEST(SuggestTest, SaysThatALotIsNotGoodUntilTheDayAskedFor) {
  FakeGateway gateway;
  gateway.Answer("Ledger/SuggestLots", {R"(
      base_unit: "piece"
      passed_over { lot: "items/mask/lots/s-1" base_quantity: 5 expiry_date: "2035-01-31" reason: EXPIRED }
  )"});

  const std::string later =
      gateway.Execute({"suggest", "swat/store", "mask", "5", "--good-until", "2036-01-01"}).out;
  EXPECT_THAT(later, AllOf(HasSubstr("not good until 2036-01-01"), Not(HasSubstr("expired"))));
  EXPECT_THAT(gateway.Execute({"suggest", "swat/store", "mask", "5"}).out,
              HasSubstr("passed over: expired"));
}

TEST(TraceTest, SaysWhatItRestsOn) {
  FakeGateway gateway;
  gateway.Answer("Ledger/TraceLot", {R"(
      lot { name: "items/mask/lots/s-1" }
      totals { received_quantity: 0 on_hand_quantity: 1200 consumed_quantity: 9350
               elsewhere_quantity: -10550 base_unit: "piece" }
      sealed_moment { sequence: 4711 closed_time { seconds: 1767225600 } }
  )"});

  const std::string out = gateway.Execute({"trace", "mask/s-1"}).out;

  EXPECT_THAT(out,
              ContainsRegex("As of record 4,711, closed up to 20[0-9: -]+; what was posted later"));
  EXPECT_THAT(out,
              HasSubstr("received 0 piece + came from other units 10,550 piece = 1,200 on hand + "
                        "9,350 used\n"));
  EXPECT_THAT(out, Not(HasSubstr("now at")));
}

constexpr char kTransfer[] = R"(
  name: "transfers/t" source: "units/depot/locations/main" destination: "units/swat/locations/store"
  creator: "persons/shen"
  lines { line: 1 lot: "items/mask/lots/s-1" quantity { amount: 2 unit: "box50" } base_quantity: 100 )";

TEST(ListTest, SaysThatItIsCut) {
  FakeGateway gateway;
  gateway.Answer("Ledger/ListBalances", {"balances {} next_page_token: \"more\""});

  EXPECT_THAT(gateway.Execute({"balances", "swat", "--limit", "1"}).err,
              HasSubstr("a higher --limit"));
}

TEST(TransferTest, ADraftHasSentNothing) {
  FakeGateway gateway;
  gateway.Answer("Transfers/GetTransfer", {std::string(kTransfer) + "} state: DRAFT"});

  const std::string out = gateway.Execute({"transfer", "show", "t"}).out;

  EXPECT_THAT(out, AllOf(HasSubstr("written by persons/shen\n"), Not(HasSubstr("sent by"))));
  EXPECT_THAT(out, ContainsRegex("2 +box50 +0 +0 +0 +0"));
}

TEST(TransferTest, OneThatIsResolvedTellsByWhomAndWhatBecameOfIt) {
  FakeGateway gateway;
  gateway.Answer("Transfers/GetTransfer", {std::string(kTransfer) + R"( accepted: 90 short: 10 }
      state: CLOSED dispatcher: "persons/lin" receiver: "persons/qiao"
      movements: "movements/1" movements: "movements/2" movements: "movements/3" )"});
  const auto arrival = [](const std::string& to, int quantity) {
    return "lines { lot: \"items/mask/lots/s-1\" destination { " + to +
           " } base_quantity: " + std::to_string(quantity) + " } ";
  };
  const std::string store = "location: \"units/swat/locations/store\" state: ";
  const std::string depot = "location: \"units/depot/locations/main\" state: ";
  gateway.Answer("Ledger/GetMovement",
                 {"reason: DISPATCH caller: \"persons/lin\" " + arrival(depot + "IN_TRANSIT", 100),
                  "reason: ARRIVE caller: \"persons/qiao\" " + arrival(store + "AVAILABLE", 90),
                  "reason: ARRIVE caller: \"persons/he\" " + arrival(store + "AVAILABLE", 5) +
                      arrival(depot + "AVAILABLE", 3) + arrival(store + "LOST", 2)});

  const FakeGateway::Run run = gateway.Execute({"transfer", "show", "t"});

  EXPECT_THAT(run.out, HasSubstr("sent by persons/lin\nsigned for by persons/qiao\n"
                                 "resolved by persons/he\n"));
  EXPECT_THAT(run.out, ContainsRegex("found +returned +lost"));
  EXPECT_THAT(run.out, ContainsRegex("box50 +100 +90 +0 +10 +5 +3 +2"));
}

TEST(TransferTest, AListIsReadToItsEndThoughPagesEndEarly) {
  FakeGateway gateway;
  gateway.Answer("Transfers/ListTransfers",
                 {"transfers { name: \"transfers/a\" } next_page_token: \"more\"",
                  "transfers { name: \"transfers/b\" }"});

  const FakeGateway::Run run =
      gateway.Execute({"transfer", "list", "swat", "--as-of", "2026-11-22T08:00:00Z"});

  EXPECT_THAT(run.out, ContainsRegex("\na .*\nb "));
  EXPECT_EQ(run.err, "");
  EXPECT_THAT(gateway.requests(), Each(HasSubstr("as_of { record_time { seconds: 1795334400 } }")));
}

TEST(TransferTest, OneIsShownAsItWas) {
  FakeGateway gateway;
  gateway.Answer("Transfers/GetTransfer", {std::string(kTransfer) + "} state: DRAFT"});

  gateway.Execute({"transfer", "show", "t", "--as-of-occurred", "2026-11-22T08:00:00Z"});

  EXPECT_THAT(gateway.requests(),
              ElementsAre(HasSubstr("as_of { occurred_time { seconds: 1795334400 } }")));
}

// Goal: who may read transfers and not movements sees the transfer all the same.
TEST(TransferTest, OneWhoseMovementsAreClosedToTheCallerIsShown) {
  FakeGateway gateway;
  gateway.Answer("Transfers/GetTransfer", {std::string(kTransfer) + R"( accepted: 90 short: 10 }
      state: CLOSED movements: "movements/1" )"});

  const FakeGateway::Run run = gateway.Execute({"transfer", "show", "t"});

  EXPECT_EQ(run.exit_code, ExitCode::kOk);
  EXPECT_EQ(run.err, "");
  EXPECT_THAT(run.out, ContainsRegex("box50 +100 +90 +0 +10"));
}

}  // namespace
}  // namespace quartermaster::qmctl
