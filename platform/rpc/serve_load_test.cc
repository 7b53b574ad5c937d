// `Serve` when there is more to do than can be done, and when callers do not wait for it.

#include <gmock/gmock.h>

#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "platform/rpc/serve_test.h"
#include "platform/status/error.h"

namespace quartermaster::rpc {
namespace {

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
  TestClient client(program);
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

// One person's flood leaves room for another: the queue knows whose calls wait.
TEST(ServeOverloadTest, RefusesWhoFillsTheQueueBeforeItRefusesOthers) {
  TestProgram program(OneThreadEach(/*queue_max=*/4));
  Gate gate;
  program.units.get_unit = [&](const auto&, const auto&, auto&) { return gate.Pass(); };
  program.Start();
  TestClient client(program);
  std::vector<std::thread> calls;
  calls.emplace_back([&] { EXPECT_EQ(client.GetUnit(), absl::OkStatus()); });
  gate.WaitForArrivals(1);
  for (int i = 0; i < 2; ++i) {
    calls.emplace_back([&] { EXPECT_EQ(client.GetUnit(), absl::OkStatus()); });
  }
  WaitUntil([&] { return program.executors.GetLoad(CallClass::kRead).queued_count == 2; });

  grpc::ClientContext impatient;
  ActAs(impatient, "persons/reader", "units.read");
  impatient.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
  const absl::Status refused = client.GetUnit(impatient);
  calls.emplace_back([&] {
    grpc::ClientContext context;
    ActAs(context, "persons/other", "units.read");
    EXPECT_EQ(client.GetUnit(context), absl::OkStatus());
  });

  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status::GetReason(refused), "CALLER_OVERLOADED");
  WaitUntil([&] { return program.executors.GetLoad(CallClass::kRead).queued_count > 2; });
  gate.Open();
  for (std::thread& call : calls) call.join();
}

TEST(ServeOverloadTest, KeepsOtherClassesGoing) {
  TestProgram program(OneThreadEach(/*queue_max=*/1));
  Gate gate;
  program.units.get_unit = [&](const auto&, const auto&, auto&) { return gate.Pass(); };
  program.Start();
  TestClient client(program);
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
  TestClient client(program);
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
  TestClient client(program);
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
  TestClient client(program);
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

}  // namespace
}  // namespace quartermaster::rpc
