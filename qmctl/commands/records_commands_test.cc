// What `watch` asks for, and what it says at the end.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qmctl/commands/fake_gateway.h"

namespace quartermaster::qmctl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(WatchTest, TakesMethodsAsCallDoes) {
  for (const char* written : {"Ledger/Post", "quartermaster.inventory.v1.Ledger/Post"}) {
    FakeGateway gateway;
    gateway.AnswerWatch({"sequence: 7 sealed_sequence: 7"}, absl::OkStatus());

    const FakeGateway::Run run = gateway.Execute({"watch", "--method", written});

    EXPECT_EQ(run.exit_code, ExitCode::kOk) << run.err;
    EXPECT_THAT(gateway.requests(), ElementsAre("Records/Watch method_prefixes: "
                                                "\"quartermaster.inventory.v1.Ledger/Post\""));
  }
}

TEST(WatchTest, RefusesAMethodThatNobodyHas) {
  FakeGateway gateway;

  const FakeGateway::Run run = gateway.Execute({"watch", "--method", "Ledger/Eat"});

  EXPECT_EQ(run.exit_code, ExitCode::kUsage);
  EXPECT_THAT(run.err, HasSubstr("no method begins with Ledger/Eat"));
  EXPECT_THAT(gateway.requests(), ElementsAre());
}

TEST(WatchTest, SaysWhereToGoOnOnlyOnceItHasGotSomewhere) {
  FakeGateway gateway;
  gateway.AnswerWatch({"sequence: 7 sealed_sequence: 7"}, absl::OkStatus());
  EXPECT_THAT(gateway.Execute({"watch"}).err, HasSubstr("--from 7\n"));

  gateway.AnswerWatch({}, absl::PermissionDeniedError("not yours"));
  const FakeGateway::Run refused = gateway.Execute({"watch", "--from", "99999999"});
  EXPECT_EQ(refused.exit_code, ExitCode::kRefused);
  EXPECT_THAT(refused.err, Not(HasSubstr("--from")));
}

}  // namespace
}  // namespace quartermaster::qmctl
