#include "gateway/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace quartermaster::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Returns what is said of these settings besides those that every gateway needs.
std::string MistakesIn(const std::map<std::string, std::string>& given) {
  std::map<std::string, std::string> environment = {
      {"QM_GATEWAY_AUTH_DEMO", "true"},
      {"QM_GATEWAY_AUTH_JWKS_FILE", "/keys"},
      {"QM_GATEWAY_AUTH_IDENTITY_KEY", "key"},
      {"QM_GATEWAY_HTTP_PLAINTEXT", "true"},
  };
  for (const auto& [name, value] : given) environment[name] = value;
  config::Settings settings("QM_GATEWAY_", environment);
  Options options;
  options.Declare(settings);
  return std::string(settings.Check().message());
}

// Whoever reaches the page gets everybody's token.
TEST(GatewayOptionsTest, ServesTheDemosPersonsOnTheLoopbackAlone) {
  for (const char* address : {"127.0.0.1:8080", "[::1]:0"}) {
    EXPECT_THAT(MistakesIn({{"QM_GATEWAY_DEMO_PERSONS_FILE", "/persons"},
                            {"QM_GATEWAY_HTTP_ADDRESS", address}}),
                Not(HasSubstr("QM_GATEWAY_DEMO_PERSONS_FILE")))
        << address;
  }
  for (const char* address : {"0.0.0.0:8080", "[::]:8080", "192.0.2.1:8080"}) {
    EXPECT_THAT(MistakesIn({{"QM_GATEWAY_DEMO_PERSONS_FILE", "/persons"},
                            {"QM_GATEWAY_HTTP_ADDRESS", address}}),
                HasSubstr("QM_GATEWAY_DEMO_PERSONS_FILE"))
        << address;
    EXPECT_THAT(MistakesIn({{"QM_GATEWAY_HTTP_ADDRESS", address}}),
                Not(HasSubstr("QM_GATEWAY_DEMO_PERSONS_FILE")))
        << address;
  }
}

}  // namespace
}  // namespace quartermaster::gateway
