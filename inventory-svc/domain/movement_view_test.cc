#include "inventory-svc/domain/movement_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace quartermaster::inventory {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kEast[] = "units/east/locations/depot";
constexpr char kWest[] = "units/west/locations/room";
constexpr char kNorth[] = "units/north/locations/room";

std::shared_ptr<const UnitTree> ATree() {
  auto tree = UnitTree::Make({{.id = UnitId{1}, .name = "units/city"},
                              {.id = UnitId{2}, .name = "units/east", .parent = UnitId{1}},
                              {.id = UnitId{3}, .name = "units/west", .parent = UnitId{1}},
                              {.id = UnitId{4}, .name = "units/north", .parent = UnitId{1}}});
  EXPECT_TRUE(tree.ok());
  return std::make_shared<const UnitTree>(*std::move(tree));
}

// What somebody with `ledger.read` for `units` sees of a movement with a line inside east, one from
// east to west and one inside north.
std::optional<Movement> Seen(const std::vector<std::string>& units) {
  base::Caller caller{.name = "persons/reader"};
  for (const std::string& unit : units) {
    caller.grants.push_back({.unit = unit,
                             .permissions = std::make_shared<const base::PermissionSet>(
                                 base::PermissionSet{"ledger.read"})});
  }
  const auto line = [](const char* source, const char* destination) {
    return MovementLine{.lot = "items/mask/lots/m1",
                        .source = {.location = source},
                        .destination = {.location = destination}};
  };
  return SeenBy(Scope(caller, {"ledger.read"}, absl::UnixEpoch(), ATree()),
                Movement{.lines = {line(kEast, kEast), line(kEast, kWest), line(kNorth, kNorth)},
                         .caller = "persons/clerk",
                         .source_document = SourceDocument{.issuer = "depot", .number = "7"},
                         .note = "第一批"});
}

std::vector<int> Numbers(const std::optional<Movement>& movement) {
  std::vector<int> numbers;
  for (const MovementLine& line : movement->lines) numbers.push_back(line.number);
  return numbers;
}

TEST(SeenByTest, ShowsTheLinesThatTouchACoveredUnitByTheirNumbers) {
  EXPECT_THAT(Numbers(Seen({"units/city"})), ElementsAre(1, 2, 3));
  EXPECT_THAT(Numbers(Seen({"units/east"})), ElementsAre(1, 2));
  EXPECT_THAT(Numbers(Seen({"units/west"})), ElementsAre(2));
  EXPECT_THAT(Numbers(Seen({"units/west", "units/north"})), ElementsAre(2, 3));
}

TEST(SeenByTest, CountsWhatItWithholds) {
  EXPECT_EQ(Seen({"units/city"})->withheld_line_count, 0);
  EXPECT_EQ(Seen({"units/east"})->withheld_line_count, 1);
  EXPECT_EQ(Seen({"units/west"})->withheld_line_count, 2);
}

TEST(SeenByTest, ShowsNoteAndPaperToWhoSeesEveryLine) {
  EXPECT_EQ(Seen({"units/east", "units/north"})->note, "第一批");
  EXPECT_TRUE(Seen({"units/east", "units/north"})->source_document.has_value());
  EXPECT_EQ(Seen({"units/east"})->note, "");
  EXPECT_FALSE(Seen({"units/east"})->source_document.has_value());
  EXPECT_EQ(Seen({"units/east"})->caller, "persons/clerk");
}

TEST(SeenByTest, ShowsNothingToWhoCoversNoLine) {
  EXPECT_FALSE(Seen({}).has_value());
  EXPECT_FALSE(Seen({"units/ghost"}).has_value());
}

TEST(UnitsOfTest, NamesEachUnitOnce) {
  EXPECT_THAT(UnitsOf({}), IsEmpty());
  EXPECT_THAT(UnitsOf(Seen({"units/city"})->lines),
              ElementsAre("units/east", "units/north", "units/west"));
}

}  // namespace
}  // namespace quartermaster::inventory
