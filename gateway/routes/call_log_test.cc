#include "gateway/routes/call_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quartermaster::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(CallLogTest, CountsByMethodProtocolAndCode) {
  telemetry::Metrics metrics("gateway");
  CallLog log(metrics);
  const CallLog::Entry posting = {.method = "Ledger/PostMovement", .protocol = "grpc"};

  log.Record(posting, grpc::Status::OK);
  log.Record(posting, grpc::Status::OK);
  log.Record(posting, grpc::Status(grpc::StatusCode::NOT_FOUND, ""));
  log.Record({.method = "Ledger/PostMovement", .protocol = "http"}, grpc::Status::OK);

  const std::string rendered = metrics.Render();
  EXPECT_THAT(rendered,
              HasSubstr("{code=\"OK\",method=\"Ledger/PostMovement\",protocol=\"grpc\"} 2"));
  EXPECT_THAT(rendered,
              HasSubstr("{code=\"NOT_FOUND\",method=\"Ledger/PostMovement\",protocol=\"grpc\"} 1"));
  EXPECT_THAT(rendered,
              HasSubstr("{code=\"OK\",method=\"Ledger/PostMovement\",protocol=\"http\"} 1"));
}

TEST(CallLogTest, CountsWhatIsNoCodeAsUnknown) {
  telemetry::Metrics metrics("gateway");
  CallLog log(metrics);

  for (const int code : {17, 31, -1}) {
    log.Record({.method = "m", .protocol = "grpc"},
               grpc::Status(static_cast<grpc::StatusCode>(code), ""));
  }

  EXPECT_THAT(metrics.Render(), HasSubstr("{code=\"UNKNOWN\",method=\"m\",protocol=\"grpc\"} 3"));
  EXPECT_THAT(metrics.Render(), Not(HasSubstr("code=\"OK\"")));
}

}  // namespace
}  // namespace quartermaster::gateway
