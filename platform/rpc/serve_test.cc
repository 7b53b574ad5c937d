#include "platform/rpc/serve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "platform/base/mutex.h"
#include "platform/log/log.h"
#include "platform/rpc/status_codec.h"
#include "platform/rpc/test_service.h"
#include "platform/status/error.h"
#include "platform/telemetry/trace.h"

namespace quartermaster::rpc {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

// A stub with its calls made simple. Real HTTP/2 to a real server.
class Client {
 public:
  explicit Client(TestProgram& program)
      : units_(pb::Units::NewStub(program.Connect())),
        ledger_(pb::Ledger::NewStub(program.Connect())) {}

  absl::Status GetUnit(grpc::ClientContext& context, pb::Unit* unit = nullptr) {
    pb::GetUnitRequest request;
    request.set_name("units/east");
    pb::Unit unused;
    return FromGrpcStatus(units_->GetUnit(&context, request, unit == nullptr ? &unused : unit));
  }
  absl::Status GetUnit() {
    grpc::ClientContext context;
    ActAs(context, "persons/reader", "units.read");
    return GetUnit(context);
  }
  absl::Status PostMovement() {
    grpc::ClientContext context;
    ActAs(context, "persons/clerk", "ledger.post");
    pb::Movement movement;
    return FromGrpcStatus(ledger_->PostMovement(&context, {}, &movement));
  }
  absl::Status ProveConservation() {
    grpc::ClientContext context;
    ActAs(context, "persons/auditor", "ledger.prove");
    pb::ProveConservationResponse response;
    return FromGrpcStatus(ledger_->ProveConservation(&context, {}, &response));
  }
  pb::Units::Stub& units() { return *units_; }

 private:
  std::unique_ptr<pb::Units::Stub> units_;
  std::unique_ptr<pb::Ledger::Stub> ledger_;
};

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

// Waits until `condition` holds; fails the test after a while.
template <typename Condition>
void WaitUntil(Condition condition) {
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  while (!condition()) {
    ASSERT_LT(absl::Now(), deadline) << "it never came true";
    absl::SleepFor(absl::Milliseconds(1));
  }
}

// A gate that bodies wait at until the test opens it.
class Gate {
 public:
  absl::Status Pass() {
    ++arrived_;
    open_.WaitForNotification();
    return absl::OkStatus();
  }
  void WaitForArrivals(int count) {
    WaitUntil([&] { return arrived_.load() >= count; });
  }
  int arrived() const { return arrived_; }
  void Open() { open_.Notify(); }

 private:
  std::atomic<int> arrived_ = 0;
  base::Notification open_;
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
  Client client(program);
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
    Client client(program);
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
  Client client(program);
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
  Client client(program);
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
  Client client(program);
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
    Client client(program);
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
  Client client(program);
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
  Client client(program);
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
  Client client(program);
  grpc::ClientContext context;
  ActAs(context, "persons/reader", "units.read");
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));

  const absl::Status status = client.GetUnit(context);

  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(status::GetReason(status), "DEADLINE_EXCEEDED");
  EXPECT_EQ(run_count, 0);
}

ServerOptions OneThreadEach(int queue_max) {
  ServerOptions options = TestProgram::DefaultOptions();
  options.executors.read = {.thread_count = 1, .queue_max = queue_max};
  options.executors.report = {.thread_count = 1, .queue_max = queue_max};
  return options;
}

TEST(ServeOverloadTest, RefusesWhenTheQueueIsFullAndTellsWhenToComeBack) {
  TestProgram program(OneThreadEach(/*queue_max=*/1));
  Gate gate;
  program.units.get_unit = [&](const auto&, const auto&, auto&) { return gate.Pass(); };
  program.Start();
  Client client(program);
  std::thread running([&] { EXPECT_EQ(client.GetUnit(), absl::OkStatus()); });
  gate.WaitForArrivals(1);
  std::thread waiting([&] { EXPECT_EQ(client.GetUnit(), absl::OkStatus()); });
  WaitUntil([&] { return program.executors.GetLoad(CallClass::kRead).queued_count == 1; });

  const absl::Status refused = client.GetUnit();

  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status::GetReason(refused), "OVERLOADED");
  EXPECT_GT(status::GetErrorDetail(refused).retry_after, absl::ZeroDuration());
  gate.Open();
  running.join();
  waiting.join();
}

TEST(ServeOverloadTest, KeepsOtherClassesGoing) {
  TestProgram program(OneThreadEach(/*queue_max=*/1));
  Gate gate;
  program.units.get_unit = [&](const auto&, const auto&, auto&) { return gate.Pass(); };
  program.Start();
  Client client(program);
  std::thread running([&] { EXPECT_EQ(client.GetUnit(), absl::OkStatus()); });
  gate.WaitForArrivals(1);

  EXPECT_EQ(client.PostMovement(), absl::OkStatus());
  EXPECT_EQ(client.ProveConservation(), absl::OkStatus());
  std::thread waiting([&] { EXPECT_EQ(client.GetUnit(), absl::OkStatus()); });
  WaitUntil([&] { return program.executors.GetLoad(CallClass::kRead).queued_count == 1; });
  // The queue of reads is half full, so reports are refused, and postings are not.
  EXPECT_EQ(status::GetReason(client.ProveConservation()), "OVERLOADED");
  EXPECT_EQ(client.PostMovement(), absl::OkStatus());

  gate.Open();
  running.join();
  waiting.join();
}

// Goal: the memory that waiting requests may take is counted as it is in memory, not on the wire.
// Method: fields that nobody knows, each two bytes long when it is sent.
TEST(ServeOverloadTest, CountsWhatARequestTakesInMemory) {
  ServerOptions options = OneThreadEach(/*queue_max=*/4);
  options.executors.queued_bytes_max = 1 << 20;
  TestProgram program(options);
  program.Start();
  const auto units = pb::Units::NewStub(program.Connect());
  const auto call = [&](int field_count) {
    pb::GetUnitRequest request;
    auto* unknown = request.GetReflection()->MutableUnknownFields(&request);
    for (int i = 0; i < field_count; ++i) unknown->AddLengthDelimited(15, "");
    grpc::ClientContext context;
    ActAs(context, "persons/reader", "units.read");
    pb::Unit unit;
    return status::GetReason(FromGrpcStatus(units->GetUnit(&context, request, &unit)));
  };

  EXPECT_EQ(call(100), "");
  EXPECT_EQ(call(100'000), "OVERLOADED");
}

TEST(ServeOverloadTest, DropsWhatIsLateWhenItsTurnComes) {
  TestProgram program(OneThreadEach(/*queue_max=*/4));
  Gate gate;
  program.units.get_unit = [&](const auto&, const auto&, auto&) { return gate.Pass(); };
  program.Start();
  Client client(program);
  std::thread running([&] { EXPECT_EQ(client.GetUnit(), absl::OkStatus()); });
  gate.WaitForArrivals(1);
  grpc::ClientContext context;
  ActAs(context, "persons/reader", "units.read");
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Milliseconds(50)));

  EXPECT_EQ(client.GetUnit(context).code(), absl::StatusCode::kDeadlineExceeded);
  // The server's own deadline is rounded up on the wire, so it may come a little later.
  WaitUntil([&] {
    return absl::StrContains(program.metrics.Render(), "qm_test_rpc_cancelled_calls_total 1");
  });

  gate.Open();
  running.join();
  EXPECT_EQ(client.GetUnit(), absl::OkStatus());
  EXPECT_EQ(gate.arrived(), 2);
}

// Goal: a caller who hangs up costs nothing and breaks nothing, wherever the call is.
// Method: cancel one call that runs and one that waits; open the gate; the first runs to its end,
// the second never begins, both reactors go away, and the server answers the next call.
TEST(ServeCancelTest, SurvivesCallersWhoHangUp) {
  TestProgram program(OneThreadEach(/*queue_max=*/4));
  Gate gate;
  program.units.get_unit = [&](const auto&, const auto&, auto&) { return gate.Pass(); };
  program.Start();
  Client client(program);
  grpc::ClientContext running_context;
  grpc::ClientContext waiting_context;
  ActAs(running_context, "persons/reader", "units.read");
  ActAs(waiting_context, "persons/reader", "units.read");
  std::thread running(
      [&] { EXPECT_EQ(client.GetUnit(running_context).code(), absl::StatusCode::kCancelled); });
  gate.WaitForArrivals(1);
  std::thread waiting(
      [&] { EXPECT_EQ(client.GetUnit(waiting_context).code(), absl::StatusCode::kCancelled); });
  WaitUntil([&] { return program.executors.GetLoad(CallClass::kRead).queued_count == 1; });

  running_context.TryCancel();
  waiting_context.TryCancel();
  running.join();
  waiting.join();
  WaitUntil([&] {
    return absl::StrContains(program.metrics.Render(), "qm_test_rpc_cancelled_calls_total 2");
  });
  gate.Open();

  WaitUntil([&] { return program.serve.live_calls().count() == 0; });
  EXPECT_EQ(gate.arrived(), 1);
  EXPECT_EQ(client.GetUnit(), absl::OkStatus());
}

// Goal: hanging up at any instant is safe: on arrival, while it waits, while it runs, at the end.
// Method: many short calls whose deadlines lie around the time they take. Every reactor must go
// away and the server must still answer. The sanitizers see whatever is touched too late.
TEST(ServeCancelTest, SurvivesHangingUpAtAnyInstant) {
  ServerOptions options = TestProgram::DefaultOptions();
  options.limits.time_left_min = absl::ZeroDuration();
  options.executors.read = {.thread_count = 2, .queue_max = 8};
  TestProgram program(options);
  program.Start();
  Client client(program);
  std::atomic<int> ended_early_count = 0;
  std::vector<std::thread> callers;
  for (int t = 0; t < 8; ++t) {
    callers.emplace_back([&, t] {
      for (int i = 0; i < 150; ++i) {
        grpc::ClientContext context;
        ActAs(context, "persons/reader", "units.read");
        context.set_deadline(
            absl::ToChronoTime(absl::Now() + absl::Microseconds(50 * ((i * 8 + t) % 60))));
        if (!client.GetUnit(context).ok()) ++ended_early_count;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();

  WaitUntil([&] { return program.serve.live_calls().count() == 0; });
  EXPECT_GT(ended_early_count, 0);
  EXPECT_EQ(client.GetUnit(), absl::OkStatus());
}

TEST(FinishLaterTest, EndsFromAnotherThread) {
  TestProgram program;
  std::thread lane;
  program.ledger.post_movement = [&](const base::Call& call, Finisher finish) {
    EXPECT_EQ(call.caller.name, "persons/clerk");
    lane = std::thread([finish = std::move(finish)]() mutable {
      std::move(finish)(status::Overloaded("the lane is full", absl::Seconds(1)));
    });
  };
  program.Start();
  Client client(program);

  EXPECT_EQ(status::GetReason(client.PostMovement()), "OVERLOADED");
  lane.join();
}

TEST(FinishLaterTest, NeverLeavesACallWithoutAnAnswer) {
  TestProgram program;
  int round = 0;
  program.ledger.post_movement = [&](const base::Call&, Finisher) {
    if (round++ == 1) throw std::runtime_error("oops");
  };
  program.Start();
  Client client(program);

  EXPECT_EQ(client.PostMovement().code(), absl::StatusCode::kInternal) << "dropped";
  EXPECT_EQ(client.PostMovement().code(), absl::StatusCode::kInternal) << "threw";
}

}  // namespace
}  // namespace quartermaster::rpc
