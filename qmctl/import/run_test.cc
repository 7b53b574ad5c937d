#include "qmctl/import/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "platform/status/error.h"
#include "qmctl/import/fake_books.h"
#include "qmctl/import/references.h"

namespace quartermaster::qmctl {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kHeader[] =
    "kind,issuer,number,line,reason,item,lot,quantity,unit,source,source_state,destination,outcome,"
    "damaged,short\n";

Plan PlanOf(const std::string& rows) {
  Plan plan;
  std::vector<Problem> problems;
  PlanMovements(ReadCsv("f.csv", kHeader + rows, problems), plan, problems);
  for (const Problem& problem : problems) ADD_FAILURE() << RenderProblem(problem);
  return plan;
}

std::string Receive(const std::string& number, int quantity = 50) {
  return absl::StrCat("movement,city,", number, ",1,RECEIVE,mask,", "lot-", quantity, ",", quantity,
                      ",,,SUPPLIER,city/depot,,,\n");
}

class RunImportTest : public testing::Test {
 protected:
  ImportReport Run(const Plan& plan, const std::string& caller = "lin") {
    const FakeBooks::FakeClient client(books_, caller);
    const FakeBooks::FakeClient receiver(books_, "meng");
    Books view;
    view.units["units/city"].set_name("units/city");
    view.transfers = books_.transfers;
    ImportSettings settings{.caller = &client, .receiver = &receiver, .in_flight = 1};
    settings.retries = {.attempt_count_max = 3, .first_wait = absl::ZeroDuration()};
    return RunImport(plan, view, settings);
  }

  FakeBooks books_;
};

TEST_F(RunImportTest, PostsWhatTheFileSays) {
  const ImportReport report = Run(PlanOf(Receive("RK-1") + Receive("RK-2")));

  EXPECT_TRUE(report.is_complete());
  EXPECT_TRUE(report.has_created());
  ASSERT_THAT(report.stages, SizeIs(1));
  EXPECT_EQ(report.stages[0].created_count, 2u);
}

TEST_F(RunImportTest, ChangesNothingWhenItIsRunAgain) {
  const Plan plan = PlanOf(Receive("RK-1") + Receive("RK-2"));
  Run(plan);

  const ImportReport again = Run(plan);

  EXPECT_FALSE(again.has_created());
  EXPECT_EQ(again.stages[0].there_already_count, 2u);
  EXPECT_THAT(books_.posted_lots, SizeIs(2));
}

TEST_F(RunImportTest, ChangesNothingWhenAColleagueRunsItAgain) {
  const Plan plan = PlanOf(Receive("RK-1"));
  Run(plan, "lin");

  const ImportReport again = Run(plan, "shen");

  EXPECT_TRUE(again.is_complete());
  EXPECT_EQ(again.stages[0].there_already_count, 1u);
  EXPECT_THAT(books_.posted_lots, SizeIs(1));
}

TEST_F(RunImportTest, TellsHowAPaperDiffersFromWhatIsInTheBooks) {
  Run(PlanOf(Receive("RK-1", 50)));

  const ImportReport report = Run(PlanOf(Receive("RK-1", 51)));

  ASSERT_THAT(report.refusals, SizeIs(1));
  EXPECT_EQ(report.refusals[0].origin.line, 2);
  EXPECT_THAT(std::string(report.refusals[0].error.message()),
              HasSubstr("lines[0].quantity.amount: the books have 50, the file has 51"));
  EXPECT_FALSE(report.has_created());
}

// Goal: an unknown outcome is asked for again with the same request id, and only that one.
TEST_F(RunImportTest, SendsAgainOnlyWhatHasNoOutcome) {
  books_.next_results = {absl::OkStatus(), status::OutcomeUnknown(), absl::OkStatus()};

  const ImportReport report =
      Run(PlanOf(Receive("RK-1", 1) + Receive("RK-2", 2) + Receive("RK-3", 3)));

  EXPECT_TRUE(report.is_complete());
  EXPECT_EQ(report.stages[0].created_count, 3u);
  ASSERT_THAT(books_.batches, SizeIs(2));
  EXPECT_THAT(books_.batches[1], ElementsAre(books_.batches[0][1]));
}

TEST_F(RunImportTest, GivesUpOnWhatNeverGetsAnOutcome) {
  books_.next_results.assign(3, status::OutcomeUnknown());

  const ImportReport report = Run(PlanOf(Receive("RK-1")));

  EXPECT_EQ(report.broken.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(books_.batches, SizeIs(3));
}

TEST_F(RunImportTest, LeavesOutWhatComesAfterARefusal) {
  books_.next_results = {status::PermissionDenied("ledger.post", "units/city")};

  const ImportReport report =
      Run(PlanOf(Receive("RK-1", 1) + Receive("RK-2", 2) +
                 "movement,city,RB-1,1,CONSUME,mask,lot-1,1,,city/depot,,,,,\n"));

  ASSERT_THAT(report.refusals, SizeIs(1));
  EXPECT_EQ(report.stages[0].created_count, 1u);
  EXPECT_EQ(report.stages[0].left_out_count, 1u);
  EXPECT_THAT(books_.posted_lots, ElementsAre("items/mask/lots/lot-2"));
}

TEST_F(RunImportTest, StopsWhenTheServerGoesAway) {
  books_.outage = absl::UnavailableError("gone");

  const ImportReport report = Run(PlanOf(Receive("RK-1") + Receive("RK-2")));

  EXPECT_EQ(report.broken.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(report.refusals, IsEmpty());
  EXPECT_EQ(report.stages[0].left_out_count, 2u);
}

TEST_F(RunImportTest, SplitsLongFilesIntoBatches) {
  std::string rows;
  for (int i = 0; i < 250; ++i) rows += Receive(absl::StrCat("RK-", i), i + 1);

  const ImportReport report = Run(PlanOf(rows));

  EXPECT_EQ(report.stages[0].created_count, 250u);
  ASSERT_THAT(books_.batches, SizeIs(3));
  EXPECT_THAT(books_.batches[2], SizeIs(50));
}

constexpr char kSend[] = "transfer,city,DB-1,1,,gloves,lot-1,30,pair,city/depot,,east/store,";

TEST_F(RunImportTest, TakesATransferAsFarAsItsPaperSays) {
  Run(PlanOf(std::string(kSend) + "draft,,\n"));
  ASSERT_THAT(books_.transfers, SizeIs(1));
  EXPECT_EQ(books_.transfers[0].state(), pb::DRAFT);

  Run(PlanOf(std::string(kSend) + "on-the-way,,\n"), "shen");
  ASSERT_THAT(books_.transfers, SizeIs(1)) << "a draft of the same paper is gone on with";
  EXPECT_EQ(books_.transfers[0].state(), pb::ON_THE_WAY);
  EXPECT_EQ(books_.transfers[0].waybill(), "city/DB-1");

  Run(PlanOf(std::string(kSend) + "received,,\n"));
  EXPECT_EQ(books_.transfers[0].state(), pb::CLOSED);

  const ImportReport again = Run(PlanOf(std::string(kSend) + "received,,\n"), "qiao");
  EXPECT_EQ(again.stages[0].there_already_count, 1u);
  EXPECT_THAT(books_.transfers, SizeIs(1));
}

TEST_F(RunImportTest, WritesADraftOnceThoughPeopleTookItFurther) {
  Run(PlanOf(std::string(kSend) + "draft,,\n"));
  books_.transfers[0].set_state(pb::CLOSED);
  books_.transfers[0].set_waybill("the carrier's own");

  const ImportReport again = Run(PlanOf(std::string(kSend) + "draft,,\n"), "shen");

  EXPECT_EQ(again.stages[0].there_already_count, 1u);
  EXPECT_THAT(books_.transfers, SizeIs(1));
}

// Goal: two papers of the same content are two transfers, and one paper is one, whoever brings it.
TEST_F(RunImportTest, TellsTransfersApartByTheirPapers) {
  const std::string other = "transfer,city,DB-2,1,,gloves,lot-1,30,pair,city/depot,,east/store,";
  Run(PlanOf(absl::StrCat(kSend, "draft,,\n", other, "draft,,\n")));
  ASSERT_THAT(books_.transfers, SizeIs(2));
  EXPECT_EQ(books_.transfers[0].source_document().number(), "DB-1");
  EXPECT_EQ(books_.transfers[1].source_document().number(), "DB-2");

  books_.transfers[0].set_state(pb::CANCELLED);
  const ImportReport again = Run(PlanOf(absl::StrCat(kSend, "draft,,\n", other, "draft,,\n")));

  EXPECT_EQ(again.stages[0].there_already_count, 1u);
  EXPECT_THAT(books_.transfers, SizeIs(3)) << "the paper of the cancelled one is free again";
}

// Goal: an import goes on with what another one wrote after this one had read the books.
TEST_F(RunImportTest, GoesOnWithATransferThatCameMeanwhile) {
  const Plan plan = PlanOf(std::string(kSend) + "on-the-way,,\n");
  books_.transfers.clear();
  const FakeBooks::FakeClient colleague(books_, "shen");
  pb::Transfer written;
  ASSERT_TRUE(colleague.Call("T/CreateTransfer", plan.transfers[0].request, written).ok());
  const FakeBooks::FakeClient client(books_, "lin");
  ImportSettings settings{.caller = &client, .receiver = &client, .in_flight = 1};

  const ImportReport report = RunImport(plan, Books(), settings);

  EXPECT_TRUE(report.is_complete());
  ASSERT_THAT(books_.transfers, SizeIs(1));
  EXPECT_EQ(books_.transfers[0].state(), pb::ON_THE_WAY);
}

TEST_F(RunImportTest, RefusesAPaperThatCameMeanwhileWithAnotherContent) {
  const Plan plan = PlanOf(std::string(kSend) + "draft,,\n");
  pb::CreateTransferRequest other = plan.transfers[0].request;
  other.mutable_lines(0)->mutable_quantity()->set_amount(31);
  const FakeBooks::FakeClient client(books_, "lin");
  pb::Transfer written;
  ASSERT_TRUE(client.Call("T/CreateTransfer", other, written).ok());
  ImportSettings settings{.caller = &client, .receiver = &client, .in_flight = 1};

  const ImportReport report = RunImport(plan, Books(), settings);

  EXPECT_FALSE(report.is_complete());
  EXPECT_THAT(books_.transfers, SizeIs(1));
}

TEST_F(RunImportTest, TellsWhenATransferLeftAndArrived) {
  Plan plan;
  std::vector<Problem> problems;
  PlanMovements(
      ReadCsv("f.csv",
              "kind,issuer,number,line,item,lot,quantity,source,destination,occurred_time,"
              "arrived_time\n"
              "transfer,city,DB-1,1,mask,lot-1,30,city/depot,east/store,2020-01-29T10:00:00+08:00,"
              "2020-01-29T15:00:00+08:00\n",
              problems),
      plan, problems);
  ASSERT_THAT(problems, IsEmpty());
  EXPECT_EQ(plan.transfers[0].request.occurred_time().seconds(), 1'580'263'200);

  Run(plan);

  ASSERT_THAT(books_.dispatches, SizeIs(1));
  EXPECT_EQ(books_.dispatches[0].occurred_time().seconds(), 1'580'263'200);
  ASSERT_THAT(books_.receipts, SizeIs(1));
  EXPECT_EQ(books_.receipts[0].occurred_time().seconds(), 1'580'281'200);
}

TEST_F(RunImportTest, TellsReceiptsInBaseUnits) {
  books_.factor = 2;

  Run(PlanOf(std::string(kSend) + "received,4,6\n"));

  ASSERT_THAT(books_.receipts, SizeIs(1));
  ASSERT_EQ(books_.receipts[0].lines_size(), 1);
  EXPECT_EQ(books_.receipts[0].lines(0).accepted(), 40);
  EXPECT_EQ(books_.receipts[0].lines(0).damaged(), 8);
  EXPECT_EQ(books_.receipts[0].lines(0).short_(), 12);
}

// What CheckReferences says of a plan against books with a depot, a store and one lot of masks.
class CheckReferencesTest : public testing::Test {
 protected:
  CheckReferencesTest() {
    for (const char* unit : {"units/city", "units/east"}) books_.units[unit].set_name(unit);
    for (const char* place : {"units/city/locations/depot", "units/east/locations/store"}) {
      books_.locations[place].set_name(place);
    }
    pb::Item& item = books_.items["items/mask"];
    item.set_base_unit("piece");
    item.add_units()->set_unit("pair");
    item.add_packs()->set_pack("box50");
    books_.lots["items/mask/lots/lot-1"].set_owner("units/city");
  }

  std::vector<std::string> Check(const Plan& plan) {
    std::vector<Problem> problems;
    CheckReferences(plan, books_, problems);
    std::vector<std::string> told;
    for (const Problem& problem : problems) told.push_back(RenderProblem(problem));
    return told;
  }

  Books books_;
};

TEST_F(CheckReferencesTest, AcceptsWhatIsInTheBooks) {
  EXPECT_THAT(Check(PlanOf("movement,east,RB-1,1,CONSUME,mask,lot-1,5,box50,east/store,,,,,\n"
                           "movement,east,RB-1,1,CONSUME,mask,lot-1,5,,east/store,,,,,\n")),
              IsEmpty());
}

TEST_F(CheckReferencesTest, TellsTheRowOfEachNameThatIsNot) {
  EXPECT_THAT(Check(PlanOf("movement,east,RB-1,1,CONSUME,mask,lot-1,5,,east/store,,,,,\n"
                           "movement,east,RB-1,1,CONSUME,mask,lot-2,5,,east/store,,,,,\n"
                           "movement,east,RB-1,1,CONSUME,cap,lot-1,5,,east/store,,,,,\n"
                           "movement,east,RB-1,1,CONSUME,mask,lot-1,5,litre,east/store,,,,,\n"
                           "movement,west,RB-1,1,CONSUME,mask,lot-1,5,,west/store,,,,,\n")),
              ElementsAre(HasSubstr("f.csv:3: column lot"), HasSubstr("f.csv:4: column item"),
                          HasSubstr("f.csv:5: column unit, \"litre\": items/mask is written in"),
                          AllOf(HasSubstr("f.csv:6: column source"),
                                HasSubstr("no such location, or you may not see it"))));
}

TEST_F(CheckReferencesTest, TellsHowAUnitDiffersFromTheBooks) {
  pb::Unit& unit = books_.units["units/east"];
  unit.set_parent("units/city");
  unit.set_kind(pb::SUB_BUREAU);
  unit.set_priority(pb::REGULAR);
  unit.mutable_title()->set_zh("东城分局");
  unit.set_etag("7");
  Plan plan;
  std::vector<Problem> problems;
  PlanUnits(ReadCsv("u.csv",
                    "unit_id,parent,kind,title_zh\n"
                    "east,city,SUB_BUREAU,西城分局\n",
                    problems),
            plan, problems);

  EXPECT_THAT(Check(plan), ElementsAre(AllOf(HasSubstr("u.csv:2:"), HasSubstr("东城分局"),
                                             HasSubstr("西城分局"))));
  plan.units[0].request.mutable_unit()->mutable_title()->set_zh("东城分局");
  EXPECT_THAT(Check(plan), IsEmpty());
}

TEST_F(CheckReferencesTest, TellsHowATransferOfThePaperDiffers) {
  pb::Transfer& transfer = books_.transfers.emplace_back();
  transfer.set_waybill("city/DB-1");
  transfer.set_source("units/city/locations/depot");
  transfer.set_destination("units/east/locations/store");
  transfer.add_lines()->set_lot("items/mask/lots/lot-1");
  transfer.mutable_lines(0)->mutable_quantity()->set_amount(30);

  const std::string row = "transfer,city,DB-1,1,,mask,lot-1,%d,,city/depot,,east/store,,,\n";
  EXPECT_THAT(Check(PlanOf(absl::StrFormat(*absl::ParsedFormat<'d'>::New(row), 30))), IsEmpty());
  EXPECT_THAT(Check(PlanOf(absl::StrFormat(*absl::ParsedFormat<'d'>::New(row), 31))),
              ElementsAre(HasSubstr("the books have 30, the file has 31")));
}

TEST(FindWaitTest, RepeatsOnlyWhatMayGoAway) {
  const RetryPolicy policy;
  EXPECT_TRUE(FindWait(status::OutcomeUnknown(), 1, 0.5, policy).has_value());
  EXPECT_TRUE(FindWait(status::Overloaded("queue", absl::Seconds(1)), 1, 0.5, policy).has_value());
  EXPECT_FALSE(FindWait(absl::ResourceExhaustedError("disk"), 1, 0.5, policy).has_value());
  EXPECT_FALSE(FindWait(status::EtagMismatch("units/x"), 1, 0.5, policy).has_value());
  EXPECT_FALSE(FindWait(absl::OkStatus(), 1, 0.5, policy).has_value());
  EXPECT_FALSE(FindWait(status::OutcomeUnknown(), 5, 0.5, policy).has_value());
}

TEST(FindWaitTest, WaitsLongerEachTimeAndAsLongAsAsked) {
  const RetryPolicy policy;
  EXPECT_EQ(FindWait(status::OutcomeUnknown(), 1, 1.0, policy), absl::Milliseconds(200));
  EXPECT_EQ(FindWait(status::OutcomeUnknown(), 3, 1.0, policy), absl::Milliseconds(800));
  EXPECT_EQ(FindWait(status::OutcomeUnknown(), 1, 0.0, policy), absl::Milliseconds(100));
  EXPECT_EQ(FindWait(status::Overloaded("queue", absl::Seconds(3)), 1, 0.0, policy),
            absl::Seconds(3));
  EXPECT_EQ(FindWait(status::Overloaded("queue", absl::Minutes(3)), 1, 0.0, policy), std::nullopt);
}

}  // namespace
}  // namespace quartermaster::qmctl
