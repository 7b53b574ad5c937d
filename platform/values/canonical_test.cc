#include "platform/values/canonical.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace quartermaster::canonical {
namespace {

// A form as it was, and as it is after it grew.
struct Crate {
  std::string label;
  std::vector<int64_t> weights;
};
template <typename V>
void VisitFields(V& visit, Crate& crate) {
  visit(crate.label, crate.weights);
}

struct GrownCrate {
  std::string label;
  std::vector<int64_t> weights;
  std::optional<absl::Time> sealed_time;
  std::string seal;
};
template <typename V>
void VisitFields(V& visit, GrownCrate& crate) {
  visit(crate.label, crate.weights);
  VisitGrown(visit, crate.sealed_time, crate.seal);
}

TEST(VisitGrownTest, WhatDoesNotUseTheNewFieldsHasTheBytesItHad) {
  const std::string before = Encode("crate.1", Crate{.label = "C-1", .weights = {5, 7}});

  EXPECT_EQ(Encode("crate.1", GrownCrate{.label = "C-1", .weights = {5, 7}}), before);
  const auto read = Decode<GrownCrate>("crate.1", before);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->weights, (std::vector<int64_t>{5, 7}));
  EXPECT_FALSE(read->sealed_time.has_value());
  EXPECT_EQ(read->seal, "");
}

TEST(VisitGrownTest, WhatUsesThemIsReadBackAndTellsItselfApart) {
  const GrownCrate values[] = {
      {.label = "C-1"},
      {.label = "C-1", .sealed_time = absl::FromUnixSeconds(1)},
      {.label = "C-1", .sealed_time = absl::UnixEpoch()},
      {.label = "C-1", .seal = "x"},
      {.label = "C-1", .sealed_time = absl::FromUnixSeconds(1), .seal = "x"},
  };
  std::vector<std::string> seen;
  for (const GrownCrate& value : values) {
    const std::string bytes = Encode("crate.1", value);
    const auto read = Decode<GrownCrate>("crate.1", bytes);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->sealed_time, value.sealed_time);
    EXPECT_EQ(read->seal, value.seal);
    for (const std::string& other : seen) EXPECT_NE(bytes, other);
    seen.push_back(bytes);
  }
}

// Goal: an older program refuses what it would otherwise read wrongly.
TEST(VisitGrownTest, AProgramThatDoesNotKnowThemRefusesWhatUsesThem) {
  const std::string after = Encode("crate.1", GrownCrate{.label = "C-1", .seal = "x"});

  EXPECT_FALSE(Decode<Crate>("crate.1", after).ok());
}

}  // namespace
}  // namespace quartermaster::canonical
