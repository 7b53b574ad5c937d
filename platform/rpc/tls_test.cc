#include "platform/rpc/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "platform/rpc/client.h"
#include "platform/rpc/status_codec.h"
#include "platform/rpc/test_certificates.h"
#include "platform/rpc/test_service.h"

namespace quartermaster::rpc {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kGateway[] = "spiffe://quartermaster/gateway";
constexpr char kOther[] = "spiffe://quartermaster/other";

// Files of one end, in a folder of the test.
TlsFiles WriteFiles(const std::string& name, const TestCa::Pair& pair, const std::string& ca) {
  const std::string path = absl::StrCat(::testing::TempDir(), "/tls_test_", getpid(), "_", name);
  WriteFile(path + ".crt", pair.certificate);
  WriteFile(path + ".key", pair.key);
  WriteFile(path + ".ca", ca);
  return {.certificate = path + ".crt",
          .key = path + ".key",
          .ca = path + ".ca",
          .refresh_interval = absl::Seconds(1)};
}

ServerOptions WithTls(const TlsFiles& files) {
  ServerOptions options = TestProgram::DefaultOptions();
  options.address = "localhost:0";
  options.is_plaintext = false;
  options.certificate_file = files.certificate;
  options.key_file = files.key;
  options.client_ca_file = files.ca;
  options.tls_refresh_interval = absl::Seconds(1);
  return options;
}

// Returns the caller that the server saw, or the error. `as` becomes the authorization, if any.
absl::StatusOr<std::string> WhoAmI(TestProgram& program, const TlsFiles& files,
                                   const std::string& as = "") {
  absl::StatusOr<std::unique_ptr<Channels>> channels =
      Channels::Make({.target = program.server->address(), .tls = files, .connection_count = 1});
  if (!channels.ok()) return channels.status();
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(10)));
  if (!as.empty()) ActAs(context, as, "units.read");
  pb::Unit unit;
  const grpc::Status status = pb::Units::NewStub((*channels)->Next())->GetUnit(&context, {}, &unit);
  if (!status.ok()) return FromGrpcStatus(status);
  return unit.name();
}

class TlsTest : public ::testing::Test {
 protected:
  TlsTest()
      : server_files_(WriteFiles("server", ca_.Sign("spiffe://quartermaster/inventory"),
                                 ca_.certificate())) {}

  void Start(TestProgram& program) {
    program.units.get_unit = [](const base::Call& call, const auto&, pb::Unit& unit) {
      unit.set_name(call.caller.name);
      return absl::OkStatus();
    };
    program.Start();
  }

  const TestCa ca_;
  const TlsFiles server_files_;
};

TEST_F(TlsTest, KnowsTheCallerByItsCertificate) {
  TestProgram program(WithTls(server_files_));
  Start(program);

  const auto caller = WhoAmI(program, WriteFiles("client", ca_.Sign(kGateway), ca_.certificate()));

  ASSERT_EQ(caller.status(), absl::OkStatus());
  EXPECT_EQ(*caller, absl::StrCat("systems/", kGateway));
}

TEST_F(TlsTest, RefusesACertificateOfAnotherAuthority) {
  TestProgram program(WithTls(server_files_));
  Start(program);
  const TestCa stranger;

  EXPECT_EQ(WhoAmI(program, WriteFiles("stranger", stranger.Sign(kGateway), ca_.certificate()))
                .status()
                .code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(TlsTest, RefusesAClientWithoutACertificate) {
  TestProgram program(WithTls(server_files_));
  Start(program);
  const std::shared_ptr<grpc::Channel> channel = grpc::CreateChannel(
      program.server->address(), grpc::SslCredentials({.pem_root_certs = ca_.certificate()}));
  grpc::ClientContext context;
  ActAs(context, "persons/reader", "units.read");
  pb::Unit unit;

  const grpc::Status status = pb::Units::NewStub(channel)->GetUnit(&context, {}, &unit);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, RefusesAClientWithoutTls) {
  TestProgram program(WithTls(server_files_));
  Start(program);
  grpc::ClientContext context;
  ActAs(context, "persons/reader", "units.read");
  pb::Unit unit;

  const grpc::Status status = pb::Units::NewStub(program.Connect())->GetUnit(&context, {}, &unit);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, TakesPersonsWithoutACertificateWhereTheProgramSaysSo) {
  ServerOptions options = WithTls(server_files_);
  options.client_certificate = ClientCertificate::kVerifiedIfShown;
  TestProgram program(options);
  Start(program);
  const std::shared_ptr<grpc::Channel> channel = grpc::CreateChannel(
      program.server->address(), grpc::SslCredentials({.pem_root_certs = ca_.certificate()}));
  grpc::ClientContext context;
  ActAs(context, "persons/reader", "units.read");
  pb::Unit unit;

  const grpc::Status status = pb::Units::NewStub(channel)->GetUnit(&context, {}, &unit);

  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(unit.name(), "persons/reader");
  const TestCa stranger;
  EXPECT_FALSE(
      WhoAmI(program, WriteFiles("stranger", stranger.Sign(kGateway), ca_.certificate())).ok());
}

TEST_F(TlsTest, RefusesAServerOfAnotherAuthority) {
  TestProgram program(WithTls(server_files_));
  Start(program);
  const TestCa stranger;

  EXPECT_EQ(WhoAmI(program, WriteFiles("client", ca_.Sign(kGateway), stranger.certificate()))
                .status()
                .code(),
            absl::StatusCode::kUnavailable);
}

// Goal: certificates are renewed without a restart.
// Method: replace the server's files by those of a new authority; a client that believes the new
// one alone gets in before long, and one that believes the old one alone no more.
TEST_F(TlsTest, UsesRenewedFiles) {
  TestProgram program(WithTls(server_files_));
  Start(program);
  const TestCa renewed;
  const TlsFiles old_client = WriteFiles("old_client", ca_.Sign(kGateway), ca_.certificate());
  const TlsFiles new_client = WriteFiles("new_client", renewed.Sign(kOther), renewed.certificate());
  ASSERT_TRUE(WhoAmI(program, old_client).ok());
  ASSERT_FALSE(WhoAmI(program, new_client).ok());

  WriteFiles("server", renewed.Sign("spiffe://quartermaster/inventory"), renewed.certificate());

  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  while (!WhoAmI(program, new_client).ok()) ASSERT_LT(absl::Now(), deadline);
  EXPECT_FALSE(WhoAmI(program, old_client).ok());
}

TEST_F(TlsTest, TellsWhichFileIsWrong) {
  const struct {
    const char* name;
    std::function<void(TlsFiles&)> damage;
    std::string what;
  } cases[] = {
      {"no file", [](TlsFiles& files) { files.certificate += ".gone"; }, "cannot be read"},
      {"no certificate", [](TlsFiles& files) { files.ca = files.key; }, "holds no PEM certificate"},
      {"no key", [](TlsFiles& files) { files.key = files.ca; }, "holds no PEM private key"},
      {"not a pair",
       [this](TlsFiles& files) { files.key = WriteFiles("unpaired", ca_.Sign(kOther), "").key; },
       "is not the key of"},
  };
  for (const auto& c : cases) {
    TlsFiles files = server_files_;
    c.damage(files);
    const absl::Status status = CheckTlsFiles(files);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << c.name;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.what)) << c.name;
  }
  EXPECT_EQ(CheckTlsFiles(server_files_), absl::OkStatus());
}

TEST(IsLoopbackTest, TellsThisMachineFromANetwork) {
  for (const char* address : {"127.0.0.1:0", "localhost:1", "[::1]:1", "unix:/tmp/x",
                              "dns:///localhost:1", "127.1.2.3:4"}) {
    EXPECT_TRUE(IsLoopback(address)) << address;
  }
  for (const char* address : {"0.0.0.0:1", "[::]:1", "10.1.2.3:1", "depot:1", "dns:///depot:1",
                              "127.0.0.1.example.org:1", "localhost.example.org:1", "", ":1"}) {
    EXPECT_FALSE(IsLoopback(address)) << address;
  }
}

}  // namespace
}  // namespace quartermaster::rpc
