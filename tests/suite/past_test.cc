// Past moments, traces and proofs through the gateway: the same by gRPC and by JSON, where the
// moment is a query parameter.

#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "platform/rpc/parse.h"
#include "quartermaster/gateway/v1/overview.grpc.pb.h"
#include "tests/harness/process.h"
#include "tests/suite/doors.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;
using Json = nlohmann::json;

absl::Time TimeOf(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

std::string ToText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", time, absl::UTCTimeZone());
}

class PastTest : public SuiteTest {
 protected:
  static HttpReply GetJson(const std::string& target) {
    return CallJson("GET", target, TokenOf("auditor", {"auditor@units/city"}));
  }

  // What JSON says is free at a moment, given as `asOf.recordTime=…`; below zero if it cannot be
  // asked.
  static int64_t AvailableByJson(const std::string& moment) {
    const HttpReply reply = GetJson("/v1/units/city:situation?" + moment);
    if (reply.status != 200) return -1;
    const Json situation = Json::parse(reply.body);
    EXPECT_TRUE(situation["missingParts"].empty()) << reply.body;
    EXPECT_NE(situation["sealedMoment"]["sequence"], "0") << reply.body;
    for (const Json& line : situation["stock"]) {
      if (line["item"] == "items/mask") return std::stoll(line["available"].get<std::string>());
    }
    return 0;
  }

  // The same by gRPC.
  static int64_t AvailableByGrpc(const type::v1::AsOf& as_of) {
    gateway::v1::GetSituationRequest request;
    request.set_unit("units/city");
    *request.mutable_as_of() = as_of;
    const auto situation = CallGateway(&gateway::v1::Overview::Stub::GetSituation, request,
                                       TokenOf("auditor", {"auditor@units/city"}));
    EXPECT_TRUE(situation.ok()) << situation.status();
    if (!situation.ok()) return -1;
    EXPECT_GT(situation->sealed_moment().sequence(), 0);
    for (const v1::StockLine& line : situation->stock()) {
      if (line.item() == "items/mask") return line.available();
    }
    return 0;
  }
};

TEST_F(PastTest, TheSituationOfAMomentIsTheSameThroughBothDoors) {
  const std::unique_ptr<Door> door = MakeJsonDoor(ClerkToken());
  const absl::Time long_ago = absl::Now() - absl::Hours(24 * 900);
  const auto first = door->Post(AReceipt(100));
  v1::PostMovementRequest late = AReceipt(7);
  *late.mutable_occurred_time() = rpc::RenderTimestamp(long_ago);
  const auto second = door->Post(late);
  ASSERT_TRUE(first.ok() && second.ok()) << first.status() << second.status();
  const auto recorded = [](const v1::Movement& movement) {
    return "asOf.recordTime=" + ToText(TimeOf(movement.record_time()));
  };

  ASSERT_TRUE(WaitUntil(absl::Now() + absl::Seconds(40),
                        [&] { return AvailableByJson(recorded(*second)) >= 0; }));

  const int64_t at_first = AvailableByJson(recorded(*first));
  EXPECT_EQ(AvailableByJson("asOf.recordTime=" +
                            ToText(TimeOf(first->record_time()) - absl::Microseconds(1))),
            at_first - 100);
  EXPECT_EQ(AvailableByJson(recorded(*second)), at_first + 7);
  // Of what had happened long ago only the late paper tells; of both clocks the earlier knowledge.
  const std::string occurred = "asOf.occurredTime=" + ToText(long_ago);
  const int64_t then = AvailableByJson(occurred);
  EXPECT_EQ(AvailableByJson(recorded(*second) + "&" + occurred), then);
  EXPECT_EQ(AvailableByJson(recorded(*first) + "&" + occurred), then - 7);
  type::v1::AsOf as_of;
  *as_of.mutable_record_time() = first->record_time();
  EXPECT_EQ(AvailableByGrpc(as_of), at_first);
  *as_of.mutable_occurred_time() = rpc::RenderTimestamp(long_ago);
  EXPECT_EQ(AvailableByGrpc(as_of), then - 7);
}

TEST_F(PastTest, RefusesMomentsThatCannotBeAskedAbout) {
  const HttpReply ahead =
      GetJson("/v1/units/city:situation?asOf.recordTime=" + ToText(absl::Now() + absl::Minutes(2)));
  const HttpReply too_soon = GetJson("/v1/units/city:situation?asOf.recordTime=" +
                                     ToText(absl::Now() - absl::Milliseconds(1)));
  const HttpReply not_a_time = GetJson("/v1/units/city:situation?asOf.recordTime=yesterday");

  EXPECT_EQ(ahead.status, 400) << ahead.body;
  EXPECT_THAT(FieldsOf(ahead), ElementsAre("as_of.record_time"));
  EXPECT_EQ(too_soon.status, 400) << too_soon.body;
  EXPECT_EQ(ReasonOf(too_soon), "NOT_SEALED_YET");
  EXPECT_EQ(not_a_time.status, 400) << not_a_time.body;
}

TEST_F(PastTest, TracesALotByJson) {
  const std::unique_ptr<Door> door = MakeGrpcDoor(ClerkToken());
  const auto came = door->Post(AReceipt(20));
  const auto went = door->Post(AConsumption(3));
  ASSERT_TRUE(came.ok() && went.ok()) << came.status() << went.status();
  const std::string target =
      absl::StrCat("/v1/", kMasks, ":trace?direction=BACK_TO_SOURCE&pageSize=2&asOf.recordTime=",
                   ToText(TimeOf(went->record_time())));
  ASSERT_TRUE(
      WaitUntil(absl::Now() + absl::Seconds(40), [&] { return GetJson(target).status == 200; }));

  const Json trace = Json::parse(GetJson(target).body);

  ASSERT_EQ(trace["movements"].size(), 2u);
  EXPECT_EQ(trace["movements"][0]["name"], went->name());
  EXPECT_EQ(trace["movements"][1]["name"], came->name());
  EXPECT_EQ(trace["lot"]["name"], kMasks);
  EXPECT_EQ(trace["totals"]["elsewhereQuantity"], "0");
  EXPECT_GE(std::stoll(trace["totals"]["consumedQuantity"].get<std::string>()), 3);
}

TEST_F(PastTest, ProvesTheBooksPageByPageByJson) {
  ASSERT_EQ(MakeGrpcDoor(ClerkToken())->Post(AReceipt(20)).status(), absl::OkStatus());
  std::string token;
  int64_t line_count = 0;
  do {
    const HttpReply reply = GetJson("/v1/ledger:proveConservation?fromLines=true&pageSize=3" +
                                    (token.empty() ? "" : "&pageToken=" + token));
    ASSERT_EQ(reply.status, 200) << reply.body;
    const Json page = Json::parse(reply.body);
    EXPECT_EQ(page["isConserved"], true) << reply.body;
    token = page["nextPageToken"].get<std::string>();
    line_count = std::stoll(page["summedLineCount"].get<std::string>());
  } while (!token.empty());
  EXPECT_GE(line_count, 2);
}

// Goal: a proof whose client was killed goes on where it stood, by the same command.
// Method: a line a page, and the kill as soon as the first page is kept.
TEST_F(PastTest, AProofGoesOnAfterItsClientWasKilled) {
  const std::unique_ptr<Door> door = MakeGrpcDoor(ClerkToken());
  for (int i = 1; i <= 20; ++i) ASSERT_EQ(door->Post(AReceipt(i)).status(), absl::OkStatus());
  const std::string directory = SharedStack().directory();
  const std::string progress = directory + "/proof.json";
  const ProcessOptions prove{
      .program = std::string(std::getenv("QM_TEST_BUILD_DIR")) + "/qmctl/qmctl",
      .arguments = {"--server", SharedStack().gateway_address(), "--lang", "en", "prove",
                    "--from-lines", "--lines", "1", "--progress", progress},
      .environment = {{"QMCTL_TOKEN", TokenOf("auditor", {"auditor@units/city"})}},
      .log_file = directory + "/prove.log"};
  const auto is_kept = [&] { return std::ifstream(progress).good(); };

  // One that was done before the kill came has taken its file away.
  for (int attempt = 0; attempt < 20 && !is_kept(); ++attempt) {
    auto client = Process::Start(prove);
    ASSERT_TRUE(client.ok()) << client.status();
    WaitUntil(absl::Now() + absl::Seconds(20), [&] { return is_kept() || !client->is_running(); });
    client->Kill();
  }
  ASSERT_TRUE(is_kept());

  EXPECT_EQ(RunProgram(prove, absl::Now() + absl::Seconds(60)), absl::OkStatus());
  EXPECT_FALSE(is_kept());
}

}  // namespace
}  // namespace quartermaster::testing
