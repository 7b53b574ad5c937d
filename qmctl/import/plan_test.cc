#include "qmctl/import/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "platform/base/uuid.h"
#include "qmctl/import/request_id.h"

namespace quartermaster::qmctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kUnitsHeader[] = "unit_id,parent,kind,priority,establishment,title_zh\n";
constexpr char kItemsHeader[] =
    "item_id,title_zh,base_unit,units,packs,is_expiring,hazard,substitutes\n";
constexpr char kLotsHeader[] = "item,lot_id,origin,owner,expiry_date\n";
constexpr char kMovementsHeader[] =
    "kind,issuer,number,line,occurred_time,reason,item,lot,quantity,unit,source,source_state,"
    "destination,destination_state,outcome,damaged,short\n";

// A plan of one file, and what is wrong with it.
struct Planning {
  Plan plan;
  std::vector<Problem> problems;

  Planning(FileKind kind, const std::string& text) {
    PlanFile(kind, ReadCsv("f.csv", text, problems), plan, problems);
  }
};

struct RefuseCase {
  std::string name;
  FileKind kind;
  std::string text;
  std::string column;
  std::string told;
};

class RefuseRowTest : public testing::TestWithParam<RefuseCase> {};

TEST_P(RefuseRowTest, TellsRowAndColumn) {
  const Planning planning(GetParam().kind, GetParam().text);

  ASSERT_THAT(planning.problems, SizeIs(1))
      << absl::StrJoin(planning.problems, "\n", [](std::string* out, const Problem& problem) {
           absl::StrAppend(out, RenderProblem(problem));
         });
  const int last_line =
      static_cast<int>(std::count(GetParam().text.begin(), GetParam().text.end(), '\n'));
  EXPECT_EQ(planning.problems[0].line, last_line);
  EXPECT_EQ(planning.problems[0].column, GetParam().column);
  EXPECT_THAT(planning.problems[0].description, HasSubstr(GetParam().told));
}

RefuseCase Unit(const std::string& name, const std::string& row, const std::string& column,
                const std::string& told) {
  return {name, FileKind::kUnits, absl::StrCat(kUnitsHeader, row, "\n"), column, told};
}
RefuseCase Item(const std::string& name, const std::string& row, const std::string& column,
                const std::string& told) {
  return {name, FileKind::kItems, absl::StrCat(kItemsHeader, row, "\n"), column, told};
}
RefuseCase Lot(const std::string& name, const std::string& row, const std::string& column,
               const std::string& told) {
  return {name, FileKind::kLots, absl::StrCat(kLotsHeader, row, "\n"), column, told};
}
RefuseCase Movement(const std::string& name, const std::string& rows, const std::string& column,
                    const std::string& told) {
  return {name, FileKind::kMovements, absl::StrCat(kMovementsHeader, rows, "\n"), column, told};
}

// A good row to put before a bad one of the same paper.
constexpr char kUse[] = "movement,east,RB-1,1,,CONSUME,mask,s-1,5,,east/store,,,,,,\n";
constexpr char kSend[] = "transfer,city,DB-1,1,,,mask,s-1,5,,city/depot,,east/store,,,,\n";

INSTANTIATE_TEST_SUITE_P(
    Units, RefuseRowTest,
    testing::Values(
        Unit("NoId", ",,CITY,,1,城", "unit_id", "is required"),
        Unit("BadId", "East,,CITY,,1,城", "unit_id", "small letters"),
        Unit("IdEndsInHyphen", "east-,,CITY,,1,城", "unit_id", "small letters"),
        Unit("BadParent", "east,units/x/y,CITY,,1,城", "parent", "or the id alone"),
        Unit("NoKind", "east,,,,1,城", "kind", "is required"),
        Unit("SmallKind", "east,,city,,1,城", "kind", "MINISTRY, PROVINCE, CITY"),
        Unit("UnspecifiedKind", "east,,UNIT_KIND_UNSPECIFIED,,1,城", "kind", "MINISTRY"),
        Unit("BadPriority", "east,,CITY,SOON,1,城", "priority", "KEY, URGENT"),
        Unit("NegativeCount", "east,,CITY,,-1,城", "establishment", "whole number"),
        Unit("DecimalCount", "east,,CITY,,1.5,城", "establishment", "whole number"),
        Unit("HugeCount", "east,,CITY,,99999999999999999999,城", "establishment", "too large"),
        Unit("NoTitle", "east,,CITY,,1,", "title_zh", "is required"),
        Unit("IdTwice", "east,,CITY,,1,城\neast,,CITY,,1,城", "unit_id", "twice"),
        Unit("AboveItself", "east,east,CITY,,1,城", "parent", "above itself")),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    ItemsAndLots, RefuseRowTest,
    testing::Values(
        Item("UnitWithoutRatio", "mask,罩,piece,pair,,,,", "units", "pair=2"),
        Item("UnitZero", "mask,罩,piece,pair=0,,,,", "units", "pair=2"),
        Item("UnitNegative", "mask,罩,piece,pair=-2,,,,", "units", "pair=2"),
        Item("UnitOverZero", "mask,罩,piece,pair=2/0,,,,", "units", "pair=2"),
        Item("UnitDecimal", "mask,罩,piece,pair=2.5,,,,", "units", "pair=2"),
        Item("PackWithoutUnit", "mask,罩,piece,,box50=50,,,", "packs", "box50=50 piece"),
        Item("BadFlag", "mask,罩,piece,,,true,,", "is_expiring", "yes or no"),
        Item("BadHazard", "mask,罩,piece,,,,burns,", "hazard", "FLAMMABLE"),
        Item("SubstituteBelow", "mask,罩,piece,,,,,\ngown,袍,piece,,,,,gown", "substitutes",
             "above"),
        Lot("BadOrigin", "mask,s-1,SHOP,east,", "origin", "SUPPLIER, DONOR"),
        Lot("NoOwner", "mask,s-1,DONOR,,", "owner", "is required"),
        Lot("NoSuchDay", "mask,s-1,DONOR,east,2021-02-29", "expiry_date", "2020-07-20"),
        Lot("OtherDateForm", "mask,s-1,DONOR,east,2021/02/28", "expiry_date", "2020-07-20"),
        Lot("LotTwice", "mask,s-1,DONOR,east,\nmask,s-1,DONOR,east,", "lot_id", "already")),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Movements, RefuseRowTest,
    testing::Values(
        Movement("NoKind", ",east,RB-1,1,,CONSUME,mask,s-1,5,,east/store,,,,,,", "kind",
                 "movement or transfer"),
        Movement("BadIssuer", "movement,East!,RB-1,1,,CONSUME,mask,s-1,5,,east/store,,,,,,",
                 "issuer", "small letters"),
        Movement("NoNumber", "movement,east,,1,,CONSUME,mask,s-1,5,,east/store,,,,,,", "number",
                 "is required"),
        Movement("Zero", "movement,east,RB-1,1,,CONSUME,mask,s-1,0,,east/store,,,,,,", "quantity",
                 "less than 1"),
        Movement("Negative", "movement,east,RB-1,1,,CONSUME,mask,s-1,-5,,east/store,,,,,,",
                 "quantity", "whole number"),
        Movement("Thousands", "movement,east,RB-1,1,,CONSUME,mask,s-1,\"1,000\",,east/store,,,,,,",
                 "quantity", "whole number"),
        Movement("Overflow",
                 "movement,east,RB-1,1,,CONSUME,mask,s-1,9223372036854775808,,east/store,,,,,,",
                 "quantity", "too large"),
        Movement("NoReason", "movement,east,RB-1,1,,,mask,s-1,5,,east/store,,,,,,", "reason",
                 "is required"),
        Movement("DocumentsReason", "movement,east,RB-1,1,,DISPATCH,mask,s-1,5,,east/store,,,,,,",
                 "reason", "by a transfer"),
        Movement("NoPlace", "movement,east,RB-1,1,,CONSUME,mask,s-1,5,,,,,,,,", "source",
                 "say where"),
        Movement("BadPlace", "movement,east,RB-1,1,,CONSUME,mask,s-1,5,,east,,,,,,", "source",
                 "unit/location"),
        Movement("OneEndOfRelocate", "movement,east,RB-1,1,,RELOCATE,mask,s-1,5,,east/store,,,,,,",
                 "destination", "RELOCATE"),
        Movement("SourceStateMissing", "movement,east,RB-1,1,,RECEIVE,mask,s-1,5,,,,east/store,,,,",
                 "source_state", "is required"),
        Movement("TimeWithoutZone",
                 "movement,east,RB-1,1,2020-01-29T12:00:00,CONSUME,mask,s-1,5,,east/store,,,,,,",
                 "occurred_time", "+08:00"),
        Movement("OutcomeOfMovement",
                 "movement,east,RB-1,1,,CONSUME,mask,s-1,5,,east/store,,,,received,,", "outcome",
                 "stays empty"),
        Movement("ReasonsOfOnePaperDiffer",
                 std::string(kUse) + "movement,east,RB-1,1,,GIVE,mask,s-2,5,,east/store,,,,,,",
                 "reason", "first row"),
        Movement("PaperAgain",
                 std::string(kUse) +
                     "movement,east,RB-2,1,,CONSUME,mask,s-1,5,,east/store,,,,,,\n" +
                     "movement,east,RB-1,1,,CONSUME,mask,s-2,5,,east/store,,,,,,",
                 "number", "stand together"),
        Movement("TransferWithReason",
                 "transfer,city,DB-1,1,,CONSUME,mask,s-1,5,,city/depot,,east/store,,,,", "reason",
                 "stays empty"),
        Movement("TransferToItself",
                 "transfer,city,DB-1,1,,,mask,s-1,5,,city/depot,,city/depot,,,,", "destination",
                 "already"),
        Movement("TransferNumberedFromTwo",
                 "transfer,city,DB-1,2,,,mask,s-1,5,,city/depot,,east/store,,,,", "line",
                 "would be 1"),
        Movement("TransferLotTwice",
                 std::string(kSend) +
                     "transfer,city,DB-1,2,,,mask,s-1,5,,city/depot,,east/store,,,,",
                 "lot", "twice"),
        Movement("TransferElsewhere",
                 std::string(kSend) +
                     "transfer,city,DB-1,2,,,mask,s-2,5,,city/depot,,west/store,,,,",
                 "destination", "first row"),
        Movement("TransferBadOutcome",
                 "transfer,city,DB-1,1,,,mask,s-1,5,,city/depot,,east/store,,lost,,", "outcome",
                 "draft, on-the-way or received"),
        Movement("MoreShortThanSent",
                 "transfer,city,DB-1,1,,,mask,s-1,5,,city/depot,,east/store,,,3,3", "short",
                 "more than was sent"),
        Movement("DamagedOnTheRoad",
                 "transfer,city,DB-1,1,,,mask,s-1,5,,city/depot,,east/store,,on-the-way,1,",
                 "damaged", "has not arrived")),
    [](const auto& test) { return test.param.name; });

TEST(PlanFileTest, TellsEveryProblemOfEveryRow) {
  const Planning planning(FileKind::kUnits, absl::StrCat(kUnitsHeader,
                                                         "East,,city,,x,城\n"
                                                         "west,,CITY,,1,\n"));

  EXPECT_THAT(planning.problems, SizeIs(4));
}

TEST(PlanFileTest, RefusesColumnsThatNobodyKnows) {
  const Planning planning(FileKind::kUnits, "unit_id,parent,kind,title_zh,establishmnt\n");

  ASSERT_THAT(planning.problems, SizeIs(1));
  EXPECT_THAT(planning.problems[0].description, HasSubstr("no such column"));
}

TEST(PlanUnitsTest, PutsParentsFirst) {
  const Planning planning(FileKind::kUnits, absl::StrCat(kUnitsHeader,
                                                         "station,east,STATION,,1,所\n"
                                                         "east,city,SUB_BUREAU,,1,分局\n"
                                                         "city,,CITY,,1,市局\n"));

  ASSERT_THAT(planning.problems, IsEmpty());
  std::vector<std::string> ids;
  for (const auto& unit : planning.plan.units) ids.push_back(unit.request.unit_id());
  EXPECT_THAT(ids, ElementsAre("city", "east", "station"));
}

TEST(PlanMovementsTest, MakesOneMovementOfTheRowsOfOnePaper) {
  const Planning planning(
      FileKind::kMovements,
      absl::StrCat(kMovementsHeader, kUse,
                   "movement,east,RB-1,1,,CONSUME,gloves,s-2,30,pair,east/store,,,,,,\n",
                   "movement,east,RB-1,2,,CONSUME,mask,s-1,5,,east/store,,,,,,\n"));

  ASSERT_THAT(planning.problems, IsEmpty());
  ASSERT_THAT(planning.plan.movements, SizeIs(2));
  const pb::PostMovementRequest& request = planning.plan.movements[0].request;
  EXPECT_EQ(request.source_document().ShortDebugString(),
            "issuer: \"east\" number: \"RB-1\" line: 1");
  ASSERT_EQ(request.lines_size(), 2);
  EXPECT_EQ(request.lines(1).lot(), "items/gloves/lots/s-2");
  EXPECT_EQ(request.lines(1).quantity().unit(), "pair");
  EXPECT_EQ(request.lines(1).source().location(), "units/east/locations/store");
  EXPECT_EQ(request.lines(1).source().state(), pb::AVAILABLE);
  EXPECT_EQ(request.lines(1).destination().location(), "units/east/locations/store");
  EXPECT_EQ(request.lines(1).destination().state(), pb::CONSUMED);
  EXPECT_THAT(planning.plan.movements[0].rows, ElementsAre(2, 3));
}

TEST(PlanMovementsTest, KeepsTheTimeAsTold) {
  const Planning planning(
      FileKind::kMovements,
      absl::StrCat(kMovementsHeader, "movement,city,RK-1,1,2020-01-29T12:00:00+08:00,RECEIVE,mask,",
                   "s-1,5,,,SUPPLIER,city/depot,,,,\n"));

  ASSERT_THAT(planning.problems, IsEmpty());
  EXPECT_EQ(planning.plan.movements[0].request.occurred_time().seconds(), 1580270400);
}

TEST(WavesTest, WaitForWhatPutsGoodsThere) {
  const Planning planning(
      FileKind::kMovements,
      absl::StrCat(kMovementsHeader,  //
                   "movement,city,RK-1,1,,RECEIVE,mask,s-1,50,,,SUPPLIER,city/depot,,,,\n",
                   "movement,city,RK-2,1,,RECEIVE,mask,s-2,50,,,SUPPLIER,city/depot,,,,\n",
                   "transfer,city,DB-1,1,,,mask,s-1,20,,city/depot,,east/store,,,,\n",
                   "movement,east,RB-1,1,,CONSUME,mask,s-1,5,,east/store,,,,,,\n",
                   "movement,city,RB-1,1,,CONSUME,mask,s-2,5,,city/depot,,,,,,\n",
                   "movement,city,RK-3,1,,RECEIVE,mask,s-1,50,,,SUPPLIER,city/depot,,,,\n",
                   "movement,west,RB-1,1,,CONSUME,mask,s-9,5,,west/store,,,,,,\n"));

  ASSERT_THAT(planning.problems, IsEmpty());
  std::vector<int> waves;
  for (const PlannedMovement& movement : planning.plan.movements) waves.push_back(movement.wave);
  EXPECT_THAT(waves, ElementsAre(0, 0, 2, 1, 0, 0));
  EXPECT_EQ(planning.plan.transfers[0].wave, 1);
  EXPECT_EQ(planning.plan.wave_count, 3);
}

// Goal: what arrives damaged can be disposed of by a later row.
TEST(WavesTest, CountQuarantineAtTheDestination) {
  const Planning planning(
      FileKind::kMovements,
      absl::StrCat(
          kMovementsHeader, "transfer,city,DB-1,1,,,mask,s-1,20,,city/depot,,east/store,,,5,\n",
          "movement,east,XH-1,1,,WRITE_OFF,mask,s-1,5,,east/store,QUARANTINE,,DESTROYED,,,", "\n"));

  ASSERT_THAT(planning.problems, IsEmpty());
  EXPECT_EQ(planning.plan.movements[0].wave, 1);
}

TEST(RequestIdTest, DependsOnContentAlone) {
  const std::string rows = absl::StrCat(kMovementsHeader, kUse);
  const Planning once(FileKind::kMovements, rows);
  const Planning again(FileKind::kMovements, rows);
  const Planning other(
      FileKind::kMovements,
      absl::StrCat(kMovementsHeader,
                   "movement,east,RB-1,1,,CONSUME,mask,s-1,6,,east/store,,,,,,\n"));

  const std::string id = once.plan.movements[0].request.request_id();
  EXPECT_EQ(again.plan.movements[0].request.request_id(), id);
  EXPECT_NE(other.plan.movements[0].request.request_id(), id);
  EXPECT_TRUE(base::Uuid::Parse(id).has_value());
  EXPECT_EQ(id[14], '8');
}

// Ids of imports that ran with an older qmctl must stay what they were, or a repeated import would
// ask anew for what is in the books.
TEST(RequestIdTest, NeverChanges) {
  pb::CreateLotRequest request;
  request.set_parent("items/mask");
  request.set_lot_id("s-1");
  request.set_request_id("left out");

  EXPECT_EQ(DeriveRequestId("Ledger/CreateLot", request), "f66a9ac7-218f-8fcc-880a-a3028f70a39d");
}

TEST(FirstSpringTest, IsPlannedWithoutAProblem) {
  const std::filesystem::path folder = QM_FIRST_SPRING_DIR;
  Plan plan;
  std::vector<Problem> problems;
  const std::pair<const char*, FileKind> files[] = {{"units.csv", FileKind::kUnits},
                                                    {"locations.csv", FileKind::kLocations},
                                                    {"items.csv", FileKind::kItems},
                                                    {"lots.csv", FileKind::kLots},
                                                    {"movements.csv", FileKind::kMovements}};
  for (const auto& [name, kind] : files) {
    std::ifstream input(folder / name);
    std::stringstream text;
    text << input.rdbuf();
    PlanFile(kind, ReadCsv(name, text.str(), problems), plan, problems);
  }

  for (const Problem& problem : problems) ADD_FAILURE() << RenderProblem(problem);
  EXPECT_THAT(plan.units, SizeIs(41));
  EXPECT_GT(plan.movements.size(), 300u);
  EXPECT_GT(plan.transfers.size(), 150u);
}

}  // namespace
}  // namespace quartermaster::qmctl
