#include "inventory-svc/domain/expiry.h"

#include <gtest/gtest.h>

#include "absl/time/civil_time.h"

namespace quartermaster::inventory {
namespace {

// Goal: the day changes at midnight where the goods are, eight hours before it does in UTC.
TEST(ExpiringBeforeTest, CutsDaysInTheTimeZone) {
  absl::TimeZone shanghai;
  ASSERT_TRUE(absl::LoadTimeZone("Asia/Shanghai", &shanghai));
  const absl::Time midnight = absl::FromCivil(absl::CivilDay(2020, 2, 29), shanghai);

  EXPECT_EQ(ExpiringBefore(midnight - absl::Microseconds(1), shanghai, 1), "2020-02-29");
  EXPECT_EQ(ExpiringBefore(midnight, shanghai, 1), "2020-03-01");
  EXPECT_EQ(ExpiringBefore(midnight, shanghai, 30), "2020-03-30");
  EXPECT_EQ(ExpiringBefore(midnight, absl::UTCTimeZone(), 1), "2020-02-29");
}

}  // namespace
}  // namespace quartermaster::inventory
