#include "inventory-svc/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace quartermaster::inventory {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Returns what is said of these settings besides those that every inventory-svc needs.
std::string MistakesIn(const std::map<std::string, std::string>& given) {
  std::map<std::string, std::string> environment = {
      {"QM_INVENTORY_DATABASE_NAME", "books"},
      {"QM_INVENTORY_DATABASE_USER", "keeper"},
      {"QM_INVENTORY_AUTH_GATEWAY_JWKS_FILE", "/keys"},
  };
  for (const auto& [name, value] : given) environment[name] = value;
  config::Settings settings("QM_INVENTORY_", environment);
  Options options;
  options.Declare(settings);
  return std::string(settings.Check().message());
}

TEST(InventoryOptionsTest, DefaultsAreNoMistake) { EXPECT_EQ(MistakesIn({}), ""); }

// A gateway's stream would be cut each time its connection is renewed, with the postings on it.
TEST(InventoryOptionsTest, RenewedConnectionsOutliveTheGatewaysStreams) {
  constexpr char kGrace[] = "QM_INVENTORY_RPC_CONNECTION_AGE_GRACE";

  for (const char* too_short : {"1s", "9s", "10s"}) {
    EXPECT_THAT(MistakesIn({{kGrace, too_short}}),
                AllOf(HasSubstr(kGrace), HasSubstr(too_short), HasSubstr("longer than 10s"),
                      HasSubstr("QM_GATEWAY_INVENTORY_POSTING_STREAMS")))
        << too_short;
  }
  for (const char* enough : {"11s", "30s", "1h"}) {
    EXPECT_THAT(MistakesIn({{kGrace, enough}}), Not(HasSubstr(kGrace))) << enough;
  }
}

}  // namespace
}  // namespace quartermaster::inventory
