#include "inventory-svc/domain/unit_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "inventory-svc/domain/scope.h"
#include "platform/status/error.h"

namespace quartermaster::inventory {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr absl::Time kNow = absl::UnixEpoch();

UnitNode Node(int id, const std::string& name, int parent = 0) {
  UnitNode node{.id = UnitId(id), .name = absl::StrCat("units/", name)};
  if (parent != 0) node.parent = UnitId(parent);
  return node;
}

// city(1): east(2): station(4), post(5); west(3). Told in no order.
UnitTree ATree() {
  auto tree = UnitTree::Make({Node(5, "post", 2), Node(3, "west", 1), Node(1, "city"),
                              Node(4, "station", 2), Node(2, "east", 1)});
  EXPECT_TRUE(tree.ok()) << tree.status();
  return *std::move(tree);
}

TEST(UnitTreeTest, CoversItselfAndAllBeneath) {
  const UnitTree tree = ATree();
  struct Case {
    const char* ancestor;
    const char* unit;
    bool covers;
  };
  const Case cases[] = {
      {"units/city", "units/city", true},     {"units/city", "units/post", true},
      {"units/east", "units/east", true},     {"units/east", "units/station", true},
      {"units/east", "units/city", false},    {"units/east", "units/west", false},
      {"units/station", "units/post", false}, {"units/post", "units/station", false},
      {"units/west", "units/station", false},
  };
  for (const Case& row : cases) {
    EXPECT_EQ(tree.Covers(row.ancestor, row.unit), row.covers) << row.ancestor << " " << row.unit;
  }
}

TEST(UnitTreeTest, AnUnknownUnitIsBeneathTheRootAlone) {
  const UnitTree tree = ATree();

  EXPECT_TRUE(tree.Covers("units/city", "units/ghost"));
  EXPECT_FALSE(tree.Covers("units/east", "units/ghost"));
  EXPECT_FALSE(tree.Covers("units/ghost", "units/ghost"));
  EXPECT_FALSE(tree.Covers("units/ghost", "units/city"));
  EXPECT_FALSE(UnitTree().Covers("units/city", "units/city"));
}

TEST(UnitTreeTest, FindsAndNames) {
  const UnitTree tree = ATree();

  EXPECT_EQ(tree.root_name(), "units/city");
  EXPECT_EQ(tree.Find("units/station"), UnitId(4));
  EXPECT_EQ(tree.Find("units/ghost"), std::nullopt);
  EXPECT_EQ(tree.NameOf(UnitId(5)), "units/post");
  EXPECT_EQ(tree.NameOf(UnitId(99)), "");
  EXPECT_EQ(tree.ParentOf(UnitId(4)), UnitId(2));
  EXPECT_EQ(tree.ParentOf(UnitId(1)), std::nullopt);
  EXPECT_EQ(UnitTree().root_name(), "");
}

TEST(UnitTreeTest, SubtreeBeginsWithTheUnitItself) {
  const UnitTree tree = ATree();

  const std::vector<UnitId> east = tree.Subtree(UnitId(2));

  EXPECT_EQ(east.front(), UnitId(2));
  EXPECT_THAT(east, UnorderedElementsAre(UnitId(2), UnitId(4), UnitId(5)));
  EXPECT_THAT(tree.Subtree(UnitId(5)), ElementsAre(UnitId(5)));
  EXPECT_THAT(tree.Subtree(UnitId(99)), IsEmpty());
}

TEST(UnitTreeTest, WhatIsNotOneTreeIsRefused) {
  const std::pair<const char*, std::vector<UnitNode>> cases[] = {
      {"two roots", {Node(1, "a"), Node(2, "b")}},
      {"no root", {Node(1, "a", 2), Node(2, "b", 1)}},
      {"a ring beside the tree", {Node(1, "a"), Node(2, "b", 3), Node(3, "c", 2)}},
      {"a parent that is not there", {Node(1, "a"), Node(2, "b", 7)}},
      {"a name twice", {Node(1, "a"), Node(2, "a", 1)}},
  };
  for (const auto& [name, nodes] : cases) {
    EXPECT_EQ(UnitTree::Make(nodes).status().code(), absl::StatusCode::kInternal) << name;
  }
}

// Goal: intervals tell the same as walking up to the root.
// Method: random trees, every pair of units.
TEST(UnitTreeTest, CoversWhatWalkingUpFinds) {
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    std::vector<UnitNode> nodes = {Node(1, "u1")};
    for (int id = 2; id <= 40; ++id) {
      nodes.push_back(Node(id, absl::StrCat("u", id), static_cast<int>(random() % (id - 1)) + 1));
    }
    const UnitTree tree = *UnitTree::Make(nodes);
    for (const UnitNode& a : nodes) {
      for (const UnitNode& b : nodes) {
        bool is_above = false;
        for (std::optional<UnitId> at = b.id; at.has_value(); at = tree.ParentOf(*at)) {
          is_above = is_above || *at == a.id;
        }
        ASSERT_EQ(tree.Covers(a.name, b.name), is_above) << a.name << " " << b.name;
      }
    }
  }
}

TEST(UnitTreeTest, AChainOfManyUnitsNeedsNoStack) {
  std::vector<UnitNode> nodes = {Node(1, "u1")};
  for (int id = 2; id <= 60'000; ++id) nodes.push_back(Node(id, absl::StrCat("u", id), id - 1));

  const auto tree = UnitTree::Make(std::move(nodes));

  ASSERT_TRUE(tree.ok()) << tree.status();
  EXPECT_TRUE(tree->Covers("units/u2", "units/u60000"));
}

base::Caller ACaller(const std::string& unit, const std::string& permission,
                     absl::Time end_time = absl::InfiniteFuture()) {
  return {.name = "persons/a",
          .grants = {{.unit = unit,
                      .permissions = std::make_shared<const base::PermissionSet>(
                          base::PermissionSet{permission}),
                      .end_time = end_time}}};
}

TEST(ScopeTest, AGrantCoversItsSubtreeForItsPermissionUntilItEnds) {
  const UnitTree tree = ATree();
  const base::Caller east = ACaller("units/east", "units.read", kNow + absl::Seconds(1));

  EXPECT_TRUE(CheckCovers(east, "units.read", kNow, tree, "units/station").ok());
  for (const absl::Status& refused :
       {CheckCovers(east, "units.read", kNow, tree, "units/west"),
        CheckCovers(east, "units.manage", kNow, tree, "units/station"),
        CheckCovers(east, "units.read", kNow + absl::Seconds(1), tree, "units/station"),
        CheckCovers(base::Caller(), "units.read", kNow, tree, "units/station")}) {
    EXPECT_EQ(refused.code(), absl::StatusCode::kPermissionDenied);
    EXPECT_EQ(status::GetReason(refused), "PERMISSION_DENIED");
  }
}

TEST(ScopeTest, RefusalsSoundTheSameWhetherOrNotTheUnitExists) {
  const UnitTree tree = ATree();
  const base::Caller east = ACaller("units/east", "units.read");

  const absl::Status there = CheckCovers(east, "units.read", kNow, tree, "units/west");
  const absl::Status ghost = CheckCovers(east, "units.read", kNow, tree, "units/ghst");

  std::string expected(there.message());
  expected.replace(expected.find("west"), 4, "ghst");
  EXPECT_EQ(std::string(ghost.message()), expected);
}

TEST(ScopeTest, TheWholeTreeAsksForAGrantOnTheRoot) {
  const UnitTree tree = ATree();

  EXPECT_TRUE(
      CheckCoversRoot(ACaller("units/city", "catalog.manage"), "catalog.manage", kNow, tree).ok());
  const absl::Status refused =
      CheckCoversRoot(ACaller("units/east", "catalog.manage"), "catalog.manage", kNow, tree);
  EXPECT_EQ(refused.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(std::string(refused.message()).find("city"), std::string::npos);
  EXPECT_FALSE(
      CheckCoversRoot(ACaller("units/city", "catalog.manage"), "catalog.manage", kNow, UnitTree())
          .ok());
}

TEST(ScopeTest, TheFirstUnitAsksForAGrantOnItsOwnName) {
  const base::Caller city = ACaller("units/city", "units.manage");

  EXPECT_TRUE(CheckMayPlantRoot(city, "units.manage", kNow, UnitTree(), "units/city").ok());
  EXPECT_FALSE(CheckMayPlantRoot(city, "units.manage", kNow, UnitTree(), "units/town").ok());
  EXPECT_FALSE(CheckMayPlantRoot(city, "units.read", kNow, UnitTree(), "units/city").ok());
  EXPECT_FALSE(CheckMayPlantRoot(ACaller("units/town", "units.manage"), "units.manage", kNow,
                                 ATree(), "units/town")
                   .ok());
  EXPECT_TRUE(CheckMayPlantRoot(city, "units.manage", kNow, ATree(), "units/town").ok());
}

}  // namespace
}  // namespace quartermaster::inventory
