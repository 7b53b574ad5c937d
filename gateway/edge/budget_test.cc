#include "gateway/edge/budget.h"

#include <gtest/gtest.h>

namespace quartermaster::gateway {
namespace {

TEST(BudgetTest, GivesOneHolderHalfAndThenAQuarterToEach) {
  Budget budget(100);
  Budget::Part ann(budget);
  ann.StartFor("ann");
  EXPECT_TRUE(ann.Take(50));
  EXPECT_FALSE(ann.Take(1));

  Budget::Part bo(budget);
  bo.StartFor("bo");
  EXPECT_TRUE(bo.Take(20));
  // Another part of the same holder.
  Budget::Part more(budget);
  more.StartFor("bo");
  EXPECT_FALSE(more.Take(6));
  EXPECT_TRUE(more.Take(5));

  Budget::Part cy(budget);
  cy.StartFor("cy");
  EXPECT_TRUE(cy.Take(25));
  Budget::Part di(budget);
  di.StartFor("di");
  EXPECT_FALSE(di.Take(1));
}

TEST(BudgetTest, HasAllAgainWhenItIsGivenBack) {
  Budget budget(100);
  for (int i = 0; i < 3; ++i) {
    Budget::Part first(budget);
    first.StartFor("ann");
    EXPECT_TRUE(first.Take(30));
    EXPECT_TRUE(first.Take(20));
    first.StartFor("bo");
    EXPECT_TRUE(first.Take(50));
    first.GiveBack();
    first.GiveBack();
    EXPECT_TRUE(first.Take(50));
  }
}

}  // namespace
}  // namespace quartermaster::gateway
