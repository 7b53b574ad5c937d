#include "platform/rpc/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "platform/base/mutex.h"
#include "platform/rpc/raw_connection.h"
#include "platform/rpc/serve_test.h"
#include "platform/rpc/status_codec.h"
#include "platform/rpc/test_service.h"

namespace quartermaster::rpc {
namespace {

using ::grpc::health::v1::Health;
using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;
using ::testing::AllOf;
using ::testing::ExitedWithCode;
using ::testing::HasSubstr;

absl::Status GetUnit(grpc::Channel& channel, absl::Duration timeout = absl::Seconds(20)) {
  const std::shared_ptr<grpc::Channel> unowned(&channel, [](grpc::Channel*) {});
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
  ActAs(context, "persons/reader", "units.read");
  pb::Unit unit;
  return FromGrpcStatus(pb::Units::NewStub(unowned)->GetUnit(&context, {}, &unit));
}

// Returns `SERVING`, `NOT_SERVING`, or the status code's number.
std::string HealthOf(const std::shared_ptr<grpc::Channel>& channel, const std::string& service) {
  grpc::ClientContext context;
  HealthCheckRequest request;
  request.set_service(service);
  HealthCheckResponse response;
  const grpc::Status status = Health::NewStub(channel)->Check(&context, request, &response);
  return status.ok() ? HealthCheckResponse::ServingStatus_Name(response.status())
                     : absl::StrCat(status.error_code());
}

std::string ReadWhole(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(ServerTest, SaysThatTheAddressIsInUseAndWhichSettingToChange) {
  TestProgram first;
  first.Start();
  ServerOptions options = TestProgram::DefaultOptions();
  options.address = first.server->address();
  options.setting_prefix = "QM_TEST_";
  TestProgram second(options);

  const absl::Status status = Server::Start(options, second.parts()).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr(options.address), HasSubstr("Address already in use"),
                    HasSubstr("QM_TEST_RPC_ADDRESS says where")));
}

TEST(ServerTest, RefusesPlaintextOnANetwork) {
  ServerOptions options = TestProgram::DefaultOptions();
  for (const char* address : {"0.0.0.0:0", "[::]:0", "10.0.0.1:7000", "depot:7000"}) {
    options.address = address;
    TestProgram program(options);
    const absl::Status status = Server::Start(options, program.parts()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << address;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("RPC_PLAINTEXT"), HasSubstr(address)));
  }
}

TEST(ServerTest, IsNotPlaintextUnlessAsked) {
  ServerOptions options = TestProgram::DefaultOptions();
  options.is_plaintext = false;
  TestProgram program(options);

  EXPECT_THAT(std::string(Server::Start(options, program.parts()).status().message()),
              HasSubstr("TLS_CERTIFICATE_FILE"));
}

TEST(ServerTest, WritesItsAddressesForOthersToFind) {
  const std::string path = absl::StrCat(::testing::TempDir(), "/server_test_address_", getpid());
  ServerOptions options = TestProgram::DefaultOptions();
  options.address_file = path;
  options.admin_address_file = path + ".admin";
  TestProgram program(options);
  program.Start();

  EXPECT_EQ(ReadWhole(path), program.server->address() + "\n");
  EXPECT_EQ(ReadWhole(path + ".admin"), program.server->admin_address() + "\n");
  EXPECT_FALSE(absl::EndsWith(program.server->address(), ":0"));
}

TEST(ServerTest, ListensOnAUnixSocket) {
  ServerOptions options = TestProgram::DefaultOptions();
  options.address = absl::StrCat("unix:/tmp/qm-server-test-", getpid());
  TestProgram program(options);
  program.Start();

  EXPECT_EQ(program.server->address(), options.address);
  EXPECT_EQ(GetUnit(*program.Connect()), absl::OkStatus());
}

TEST(ServerTest, RefusesAMessageThatIsTooLarge) {
  TestProgram program;
  std::atomic<int> run_count = 0;
  program.units.get_unit = [&](const auto&, const auto&, auto&) {
    ++run_count;
    return absl::OkStatus();
  };
  program.Start();
  grpc::ClientContext context;
  ActAs(context, "persons/reader", "units.read");
  pb::GetUnitRequest request;
  request.set_name(std::string(5 * 1024 * 1024, 'x'));
  pb::Unit unit;

  const grpc::Status status =
      pb::Units::NewStub(program.Connect())->GetUnit(&context, request, &unit);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(run_count, 0);
}

// Goal: what one caller sends in its metadata cannot take away another's calls (gRPC 1.51 closes
// the whole connection on it). Method: calls go on and on over one connection while others bring
// too much metadata, binary metadata that is no base64, and bytes that are no HTTP/2; all of the
// former must succeed.
TEST(ServerPoisonTest, HarmsNoConnectionButItsOwn) {
  TestProgram program;
  program.Start();
  const std::shared_ptr<grpc::Channel> good = program.Connect();
  ASSERT_EQ(GetUnit(*good), absl::OkStatus());
  std::atomic<bool> is_over = false;
  std::atomic<int> good_count = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      while (!is_over) {
        ASSERT_EQ(GetUnit(*good), absl::OkStatus());
        ++good_count;
      }
    });
  }

  for (int i = 0; i < 5; ++i) {
    grpc::ClientContext context;
    ActAs(context, "persons/reader", "units.read");
    context.AddMetadata("x-padding", std::string(200 * 1024, 'x'));
    pb::Unit unit;
    EXPECT_FALSE(pb::Units::NewStub(program.Connect())->GetUnit(&context, {}, &unit).ok());
    RawConnection binary(program.server->address());
    binary.Call(kGetUnit, {{"x-poison-bin", "!!! no base64 !!!"}});
    EXPECT_TRUE(binary.IsClosedByServer());
  }
  const int good_count_so_far = good_count;
  WaitUntil([&] { return good_count > good_count_so_far + 100; });
  is_over = true;
  for (std::thread& caller : callers) caller.join();
}

TEST(ServerHealthTest, FollowsReadiness) {
  std::atomic<bool> has_database = false;
  TestProgram program;
  program.readiness.AddCheck("database", [&] {
    return has_database ? absl::OkStatus() : absl::UnavailableError("it is away");
  });
  program.Start();
  const std::shared_ptr<grpc::Channel> channel = program.Connect();

  EXPECT_EQ(HealthOf(channel, ""), "NOT_SERVING");
  EXPECT_EQ(HealthOf(channel, "readiness"), "NOT_SERVING");
  EXPECT_EQ(HealthOf(channel, "liveness"), "SERVING");
  EXPECT_EQ(HealthOf(channel, "nothing"), "5");

  has_database = true;
  WaitUntil([&] { return HealthOf(channel, "") == "SERVING"; });
  EXPECT_EQ(HealthOf(channel, "readiness"), "SERVING");
}

// Goal: a call that was taken is answered, though the server is asked to end meanwhile; a call that
// comes later is not taken.
TEST(ServerDrainTest, LetsRunningCallsEnd) {
  base::Notification running;
  base::Notification release;
  TestProgram program;
  program.units.get_unit = [&](const auto&, const auto&, auto&) {
    // A call made while the server begins to drain may still come this far.
    if (!running.HasBeenNotified()) running.Notify();
    release.WaitForNotification();
    return absl::OkStatus();
  };
  program.Start();
  const std::shared_ptr<grpc::Channel> channel = program.Connect();
  absl::Status answered = absl::UnknownError("not answered");
  std::thread call([&] { answered = GetUnit(*channel); });
  running.WaitForNotification();
  std::atomic<bool> is_drained = false;
  std::thread drain([&] {
    program.server->Drain();
    is_drained = true;
  });
  WaitUntil([&] { return !program.readiness.FindFailures().empty(); });
  WaitUntil([&] {
    return GetUnit(*program.Connect(), absl::Seconds(1)).code() == absl::StatusCode::kUnavailable;
  });

  EXPECT_FALSE(is_drained);
  release.Notify();
  call.join();
  drain.join();

  EXPECT_EQ(answered, absl::OkStatus());
  EXPECT_EQ(program.serve.live_calls().count(), 0);
}

TEST(ServerDrainTest, CancelsWhatTakesTooLongAndAnswersWhatWaits) {
  base::Notification running;
  base::Notification release;
  ServerOptions options = TestProgram::DefaultOptions();
  options.executors.read = {.thread_count = 1, .queue_max = 4};
  options.drain_time = absl::Milliseconds(200);
  TestProgram program(options);
  int run_count = 0;
  program.units.get_unit = [&](const auto&, const auto&, auto&) {
    if (++run_count == 1) running.Notify();
    release.WaitForNotification();
    return absl::OkStatus();
  };
  program.Start();
  const std::shared_ptr<grpc::Channel> channel = program.Connect();
  std::thread slow([&] { EXPECT_FALSE(GetUnit(*channel).ok()); });
  running.WaitForNotification();
  std::thread waiting([&] { EXPECT_FALSE(GetUnit(*channel).ok()); });
  WaitUntil([&] { return program.executors.GetLoad(CallClass::kRead).queued_count == 1; });

  std::thread drain([&] { program.server->Drain(); });
  waiting.join();
  slow.join();
  WaitUntil([&] { return program.serve.live_calls().count() == 1; });
  release.Notify();
  drain.join();

  EXPECT_EQ(run_count, 1);
}

// Goal: a handler that never ends cannot keep the process from ending, and the log names it.
TEST(ServerDrainDeathTest, EndsTheProcessWhenAHandlerHangs) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        ServerOptions options = TestProgram::DefaultOptions();
        options.drain_time = absl::Milliseconds(100);
        options.exit_grace = absl::Milliseconds(200);
        TestProgram program(options);
        base::Notification running;
        program.units.get_unit = [&](const auto&, const auto&, auto&) {
          running.Notify();
          base::Notification().WaitForNotification();
          return absl::OkStatus();
        };
        program.Start();
        const std::shared_ptr<grpc::Channel> channel = program.Connect();
        std::thread call([&] { (void)GetUnit(*channel); });
        running.WaitForNotification();
        program.server->Drain();
        std::_Exit(0);
      },
      ExitedWithCode(75), "calls hang.*Units/GetUnit for ");
}

TEST(RunServerDeathTest, EndsInOrderOnSigterm) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        ServerOptions options = TestProgram::DefaultOptions();
        options.address_file =
            absl::StrCat(::testing::TempDir(), "/server_test_sigterm_", getpid());
        TestProgram program(options);
        std::thread operations([&] {
          WaitUntil([&] { return !ReadWhole(options.address_file).empty(); });
          kill(getpid(), SIGTERM);
        });
        const int exit_code = RunServer(options, program.parts());
        operations.join();
        std::_Exit(exit_code);
      },
      ExitedWithCode(0), "\"message\":\"serving\".*\"schema_version\":\"7\".*drained");
}

TEST(RunServerDeathTest, SaysWhyItCannotStart) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        ServerOptions options = TestProgram::DefaultOptions();
        options.address = "0.0.0.0:0";
        TestProgram program(options);
        std::_Exit(RunServer(options, program.parts()));
      },
      ExitedWithCode(1), "test-svc: RPC_PLAINTEXT=true is possible on loopback only");
}

TEST(ServerOptionsTest, DeclaresSettingsOnce) {
  ServerOptions options;
  config::Settings settings("QM_TEST_", {{"QM_TEST_RPC_ADDRESS", "127.0.0.1:7"},
                                         {"QM_TEST_READ_THREADS", "3"},
                                         {"QM_TEST_LOG_LEVEL", "warning"},
                                         {"QM_TEST_RPC_DRAIN_TIME", "3s"}});

  options.Declare(settings);

  EXPECT_EQ(settings.Check(), absl::OkStatus());
  EXPECT_EQ(options.address, "127.0.0.1:7");
  EXPECT_EQ(options.executors.read.thread_count, 3);
  EXPECT_EQ(options.log.level, log::Level::kWarning);
  EXPECT_EQ(options.drain_time, absl::Seconds(3));
  EXPECT_THAT(settings.PrintSettings(), HasSubstr("| `QM_TEST_RPC_DRAIN_TIME` | `20s` |"));
}

}  // namespace
}  // namespace quartermaster::rpc
