#include "platform/rpc/serve_test.h"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "absl/strings/str_cat.h"
#include "platform/log/log.h"
#include "platform/status/error.h"
#include "platform/telemetry/trace.h"

namespace quartermaster::rpc {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

// Keeps what the log said while it lives.
class CapturedLog {
 public:
  CapturedLog() : path_(absl::StrCat(::testing::TempDir(), "/serve_test_log_", getpid())) {
    std::remove(path_.c_str());
    EXPECT_TRUE(log::Start({.service = "test-svc", .file = path_, .is_asynchronous = false}).ok());
  }
  ~CapturedLog() {
    EXPECT_TRUE(log::Start({.service = "test-svc", .is_asynchronous = false}).ok());
  }

  // Returns the lines of calls.
  std::vector<nlohmann::json> Calls() const {
    std::vector<nlohmann::json> calls;
    std::ifstream file(path_);
    for (std::string line; std::getline(file, line);) {
      nlohmann::json json = nlohmann::json::parse(line);
      if (json["message"] == "call") calls.push_back(std::move(json));
    }
    return calls;
  }

 private:
  const std::string path_;
};

TEST(ServeTest, AnswersWithWhatTheBodyMade) {
  TestProgram program;
  base::Call seen;
  program.units.get_unit = [&](const base::Call& call, const pb::GetUnitRequest& request,
                               pb::Unit& unit) {
    seen = call;
    unit.set_name(request.name());
    return absl::OkStatus();
  };
  program.Start();
  TestClient client(program);
  grpc::ClientContext context;
  ActAs(context, "persons/reader", "units.read");
  context.AddMetadata("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  pb::Unit unit;

  ASSERT_EQ(client.GetUnit(context, &unit), absl::OkStatus());

  EXPECT_EQ(unit.name(), "units/east");
  EXPECT_EQ(seen.caller.name, "persons/reader");
  EXPECT_EQ(seen.method, kGetUnit);
  EXPECT_EQ(seen.trace.trace_id, "0af7651916cd43dd8448eb211c80319c");
  EXPECT_NE(seen.trace.span_id, "b7ad6b7169203331");
}

TEST(ServeTest, CountsAndLogsEachCallOnce) {
  const CapturedLog log;
  {
    TestProgram program;
    program.Start();
    TestClient client(program);
    ASSERT_EQ(client.GetUnit(), absl::OkStatus());
    grpc::ClientContext context;
    ActAs(context, "persons/stranger", "ledger.post");
    ASSERT_EQ(client.GetUnit(context).code(), absl::StatusCode::kPermissionDenied);

    const std::string metrics = program.metrics.Render();
    EXPECT_THAT(metrics, HasSubstr("qm_test_rpc_calls_total{code=\"OK\",method=\"" +
                                   std::string(kGetUnit) + "\"} 1"));
    EXPECT_THAT(metrics, HasSubstr("qm_test_rpc_calls_total{code=\"PERMISSION_DENIED\",method=\"" +
                                   std::string(kGetUnit) + "\"} 1"));
    EXPECT_THAT(metrics, HasSubstr("qm_test_rpc_duration_seconds_count{method=\"" +
                                   std::string(kGetUnit) + "\"} 2"));
  }

  const std::vector<nlohmann::json> calls = log.Calls();
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0]["method"], kGetUnit);
  EXPECT_EQ(calls[0]["caller"], "persons/reader");
  EXPECT_EQ(calls[0]["code"], "OK");
  EXPECT_EQ(calls[0]["reason"], "");
  EXPECT_EQ(calls[0]["trace_id"].get<std::string>().size(), 32u);
  EXPECT_GE(calls[0]["duration_us"].get<int64_t>(), 0);
  EXPECT_EQ(calls[1]["code"], "PERMISSION_DENIED");
  EXPECT_EQ(calls[1]["reason"], "PERMISSION_DENIED");
}

TEST(ServeTest, RefusesWhoeverDoesNotSayWhoTheyAre) {
  TestProgram program;
  std::atomic<int> run_count = 0;
  program.units.get_unit = [&](const auto&, const auto&, auto&) {
    ++run_count;
    return absl::OkStatus();
  };
  program.Start();
  TestClient client(program);
  grpc::ClientContext without;
  grpc::ClientContext twice;
  ActAs(twice, "persons/a", "units.read");
  ActAs(twice, "persons/b", "units.read");

  for (grpc::ClientContext* context : {&without, &twice}) {
    const absl::Status status = client.GetUnit(*context);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
    EXPECT_EQ(status::GetReason(status), "CREDENTIALS_INVALID");
  }
  EXPECT_EQ(run_count, 0);
}

TEST(ServeTest, RefusesWhoeverLacksTheMethodsPermission) {
  TestProgram program;
  std::atomic<int> run_count = 0;
  program.units.get_unit = [&](const auto&, const auto&, auto&) {
    ++run_count;
    return absl::OkStatus();
  };
  program.Start();
  TestClient client(program);
  grpc::ClientContext context;
  ActAs(context, "persons/clerk", "ledger.post,units.manage");

  const absl::Status status = client.GetUnit(context);

  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(status::GetErrorDetail(status).metadata,
              Contains(std::make_pair(std::string("permission"), std::string("units.read"))));
  EXPECT_EQ(run_count, 0);
}

TEST(ServeTest, RefusesTooMuchMetadata) {
  TestProgram program;
  program.Start();
  TestClient client(program);
  grpc::ClientContext context;
  ActAs(context, "persons/reader", "units.read");
  // gRPC itself would take it; our own limit does not.
  context.AddMetadata("x-padding", std::string(9 * 1024, 'x'));

  const absl::Status status = client.GetUnit(context);

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status::GetReason(status), "METADATA_TOO_LARGE");
}

TEST(ServeTest, HidesWhatTheBodyThrew) {
  const CapturedLog log;
  {
    TestProgram program;
    int round = 0;
    program.units.get_unit = [&](const auto&, const auto&, auto&) -> absl::Status {
      if (round++ == 0) throw std::runtime_error("password is hunter2");
      throw 42;
    };
    program.Start();
    TestClient client(program);
    for (int i = 0; i < 2; ++i) {
      const absl::Status status = client.GetUnit();
      EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
      EXPECT_EQ(status::GetReason(status), "INTERNAL");
      EXPECT_THAT(std::string(status.message()),
                  AllOf(HasSubstr("internal error, trace "), Not(HasSubstr("hunter2"))));
    }
  }

  const std::vector<nlohmann::json> calls = log.Calls();
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0]["level"], "error");
  EXPECT_EQ(calls[0]["cause"], "exception: password is hunter2");
  EXPECT_EQ(calls[1]["cause"], "exception of an unknown type");
}

TEST(ServeTest, AnswersInternalForAMethodThatIsNotInTheTable) {
  TestProgram program;
  program.Start();
  TestClient client(program);
  grpc::ClientContext context;
  ActAs(context, "persons/boss", "units.manage");
  pb::Unit unit;

  const grpc::Status status = client.units().MoveUnit(&context, {}, &unit);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
}

TEST(ServeDeadlineTest, GivesEveryCallAFiniteDeadline) {
  ServerOptions options = TestProgram::DefaultOptions();
  options.limits.default_deadline = absl::Seconds(7);
  options.limits.deadline_max = absl::Seconds(20);
  TestProgram program(options);
  absl::Duration left;
  program.units.get_unit = [&](const base::Call& call, const auto&, auto&) {
    left = call.deadline - absl::Now();
    return absl::OkStatus();
  };
  program.Start();
  TestClient client(program);
  const struct {
    const char* name;
    absl::Duration asked;
    absl::Duration got;
  } cases[] = {{"none", absl::InfiniteDuration(), absl::Seconds(7)},
               {"three seconds", absl::Seconds(3), absl::Seconds(3)},
               {"an hour", absl::Hours(1), absl::Seconds(20)}};

  for (const auto& c : cases) {
    grpc::ClientContext context;
    ActAs(context, "persons/reader", "units.read");
    if (c.asked != absl::InfiniteDuration()) {
      context.set_deadline(absl::ToChronoTime(absl::Now() + c.asked));
    }
    ASSERT_EQ(client.GetUnit(context), absl::OkStatus()) << c.name;
    // On the wire a timeout is rounded up to a few digits.
    EXPECT_LE(left, c.got + absl::Milliseconds(500)) << c.name;
    EXPECT_GT(left, c.got - absl::Seconds(2)) << c.name;
  }
}

TEST(ServeDeadlineTest, DoesNotBeginWhatCannotEnd) {
  ServerOptions options = TestProgram::DefaultOptions();
  options.limits.time_left_min = absl::Seconds(30);
  TestProgram program(options);
  std::atomic<int> run_count = 0;
  program.units.get_unit = [&](const auto&, const auto&, auto&) {
    ++run_count;
    return absl::OkStatus();
  };
  program.Start();
  TestClient client(program);
  grpc::ClientContext context;
  ActAs(context, "persons/reader", "units.read");
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));

  const absl::Status status = client.GetUnit(context);

  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(status::GetReason(status), "DEADLINE_EXCEEDED");
  EXPECT_EQ(run_count, 0);
}

TEST(ServeHandOnTest, EndsFromAnotherThread) {
  TestProgram program;
  std::thread lane;
  program.ledger.post_movement = [&](const base::Call& call, Finisher finish) {
    EXPECT_EQ(call.caller.name, "persons/clerk");
    lane = std::thread([finish = std::move(finish)]() mutable {
      std::move(finish)(status::Overloaded("the lane is full", absl::Seconds(1)));
    });
  };
  program.Start();
  TestClient client(program);

  EXPECT_EQ(status::GetReason(client.PostMovement()), "OVERLOADED");
  lane.join();
}

TEST(ServeHandOnTest, NeverLeavesACallWithoutAnAnswer) {
  TestProgram program;
  int round = 0;
  program.ledger.post_movement = [&](const base::Call&, Finisher) {
    if (round++ == 1) throw std::runtime_error("oops");
  };
  program.Start();
  TestClient client(program);

  EXPECT_EQ(client.PostMovement().code(), absl::StatusCode::kInternal) << "dropped";
  EXPECT_EQ(client.PostMovement().code(), absl::StatusCode::kInternal) << "threw";
}

}  // namespace
}  // namespace quartermaster::rpc
