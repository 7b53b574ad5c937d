#include "gateway/overview/situation_report.h"

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>

#include <future>

#include "absl/strings/str_cat.h"
#include "gateway/testing/gateway_world.h"
#include "gateway/testing/raw_client.h"
#include "platform/rpc/status_codec.h"
#include "platform/status/error.h"

namespace quartermaster::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class SituationReportTest : public GatewayWorld {
 protected:
  SituationReportTest() {
    inventory::v1::SummarizeStockResponse stock;
    inventory::v1::StockLine& line = *stock.add_lines();
    line.set_unit("units/qinghe");
    line.set_item("items/n95-mask");
    line.set_available(1200);
    line.set_reserved(300);
    line.set_base_unit("piece");
    inventory_.SetStock(stock);
  }

  absl::StatusOr<v1::Situation> Ask(const std::string& unit, absl::string_view token,
                                    int expiring_days = 0) {
    v1::GetSituationRequest request;
    request.set_unit(unit);
    request.set_expiring_days(expiring_days);
    return Ask(request, token);
  }
  absl::StatusOr<v1::Situation> Ask(const v1::GetSituationRequest& request,
                                    absl::string_view token) {
    grpc::ClientContext context;
    Authorize(context, token);
    v1::Situation situation;
    const absl::Status status = rpc::FromGrpcStatus(
        v1::Overview::NewStub(Connect())->GetSituation(&context, request, &situation));
    if (!status.ok()) return status;
    return situation;
  }
  absl::StatusOr<v1::Situation> Ask() { return Ask("units/city", Token()); }
};

TEST_F(SituationReportTest, TellsStockWithTheNamesOfThings) {
  Start();
  const absl::StatusOr<v1::Situation> situation = Ask();

  ASSERT_TRUE(situation.ok()) << situation.status();
  ASSERT_EQ(situation->stock_size(), 1);
  EXPECT_EQ(situation->stock(0).available(), 1200);
  // Only what the stock names, though the lists had more.
  ASSERT_EQ(situation->titles_size(), 2);
  EXPECT_EQ(situation->titles(0).name(), "items/n95-mask");
  EXPECT_EQ(situation->titles(0).title().en(), "N95 mask");
  EXPECT_EQ(situation->titles(1).title().zh(), "清河派出所");
  EXPECT_EQ(situation->missing_parts_size(), 0);
  EXPECT_GT(situation->read_time().seconds(), 0);
}

TEST_F(SituationReportTest, TellsWhatThePastRestsOn) {
  inventory::v1::SummarizeStockResponse stock;
  stock.mutable_sealed_moment()->set_sequence(99);
  inventory_.SetStock(stock);
  Start();
  const absl::StatusOr<v1::Situation> situation = Ask();

  ASSERT_TRUE(situation.ok()) << situation.status();
  EXPECT_EQ(situation->stock_size(), 0);
  EXPECT_EQ(situation->sealed_moment().sequence(), 99);
}

TEST_F(SituationReportTest, PagesAsTheServiceDoes) {
  inventory::v1::SummarizeStockResponse stock;
  for (const char* unit : {"units/east", "units/qinghe", "units/west"}) {
    stock.add_lines()->set_unit(unit);
    stock.mutable_lines(stock.lines_size() - 1)->set_item("items/n95-mask");
  }
  inventory_.SetStock(stock);
  Start();
  v1::GetSituationRequest request;
  request.set_unit("units/city");
  request.set_page_size(2);

  const absl::StatusOr<v1::Situation> first = Ask(request, Token());
  ASSERT_TRUE(first.ok()) << first.status();
  request.set_page_token(first->next_page_token());
  const absl::StatusOr<v1::Situation> second = Ask(request, Token());

  ASSERT_TRUE(second.ok()) << second.status();
  ASSERT_EQ(first->stock_size(), 2);
  EXPECT_EQ(first->stock(1).unit(), "units/qinghe");
  ASSERT_EQ(second->stock_size(), 1);
  EXPECT_EQ(second->stock(0).unit(), "units/west");
  EXPECT_EQ(second->next_page_token(), "");
}

// Goal: the largest page is one message that callers take, titles or no titles.
// Method: as many lines as there may be, of the longest names, and the longest titles.
TEST_F(SituationReportTest, LeavesTitlesOutThatMakeItTooLong) {
  std::string title;
  for (int i = 0; i < 120; ++i) title += "𠮷";
  inventory::v1::SummarizeStockResponse stock;
  inventory::v1::ListItemsResponse items;
  for (int i = 0; i < 10'000; ++i) {
    inventory::v1::StockLine& line = *stock.add_lines();
    line.set_unit("units/" + std::string(63, 'u'));
    line.set_item(absl::StrCat("items/", std::string(58, 'i'), 10'000 + i));
    line.set_available(INT64_MAX);
    if (i % 3 != 0) continue;
    inventory::v1::Item& item = *items.add_items();
    item.set_name(line.item());
    item.mutable_title()->set_zh(title);
    item.mutable_title()->set_en(title);
  }
  inventory_.SetStock(stock);
  inventory_.SetItems(items);
  Start();

  const absl::StatusOr<v1::Situation> situation = Ask();

  ASSERT_TRUE(situation.ok()) << situation.status();
  EXPECT_LT(situation->ByteSizeLong(), 4 << 20);
  EXPECT_EQ(situation->stock_size(), 10'000);
  EXPECT_GT(situation->titles_size(), 1000);
  EXPECT_LT(situation->titles_size(), items.items_size());
}

TEST_F(SituationReportTest, IsTheSameOverHttp) {
  Start();
  const HttpAnswer answer = Api("GET", "/v1/units/city:situation?expiring_days=7");

  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.json()["stock"][0]["available"], "1200");
  EXPECT_EQ(answer.json()["missingParts"], nlohmann::json::array());
}

TEST_F(SituationReportTest, RemembersTheNamesOfThings) {
  Start();
  ASSERT_TRUE(Ask().ok());
  const int calls = inventory_.call_count();

  ASSERT_TRUE(Ask().ok());

  EXPECT_EQ(inventory_.call_count(), calls + 1);
}

TEST_F(SituationReportTest, AsksOnBehalfOfTheCaller) {
  Start();
  ASSERT_TRUE(Ask().ok());
  EXPECT_EQ(inventory_.last().metadata.count("qm-identity"), 1u);
  EXPECT_EQ(inventory_.last().metadata.count("authorization"), 0u);
}

TEST_F(SituationReportTest, TellsWhatIsMissingAndSinceWhen) {
  options_.inventory.target = absl::StrCat("unix:", directory_, "/inventory.sock");
  Start();

  const absl::StatusOr<v1::Situation> first = Ask();
  const absl::StatusOr<v1::Situation> second = Ask();

  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(first->stock_size(), 0);
  ASSERT_EQ(first->missing_parts_size(), 1);
  EXPECT_EQ(first->missing_parts(0).part(), "stock");
  EXPECT_EQ(first->missing_parts(0).service(), "inventory");
  EXPECT_THAT(first->missing_parts(0).message(), Not(HasSubstr(directory_)));
  EXPECT_EQ(first->missing_parts(0).since_time().SerializeAsString(),
            second->missing_parts(0).since_time().SerializeAsString());

  const FakeInventory back(options_.inventory.target);
  const absl::Time end = absl::Now() + kPatience;
  int missing = 1;
  while (missing > 0 && absl::Now() < end) missing = Ask()->missing_parts_size();
  EXPECT_EQ(missing, 0);
}

TEST_F(SituationReportTest, WaitsForAServiceNoLongerThanItsPartIsWorth) {
  options_.report.part_time_max = absl::Milliseconds(300);
  Start();
  inventory_.Hold();
  const absl::Time start = absl::Now();

  const absl::StatusOr<v1::Situation> situation = Ask();

  ASSERT_TRUE(situation.ok()) << situation.status();
  EXPECT_EQ(situation->missing_parts_size(), 1);
  EXPECT_LT(absl::Now() - start, absl::Seconds(5));
}

TEST_F(SituationReportTest, PassesOnWhatTheServiceRefuses) {
  Start();
  inventory_.FailWith(status::PermissionDenied("ledger.read", "units/other"));
  const absl::Status refused = Ask("units/other", Token()).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(status::GetReason(refused), "PERMISSION_DENIED");
}

TEST_F(SituationReportTest, RefusesBytesThatAreNoRequest) {
  Start();
  const auto ask = [&](const std::string& bytes) {
    grpc::ClientContext context;
    Authorize(context, Token());
    const grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    std::promise<grpc::Status> end;
    grpc::GenericStub(Connect()).UnaryCall(
        &context, "/quartermaster.gateway.v1.Overview/GetSituation", grpc::StubOptions(), &request,
        &response, [&](const grpc::Status& status) { end.set_value(status); });
    return status::GetReason(rpc::FromGrpcStatus(end.get_future().get()));
  };
  EXPECT_EQ(ask("\x0A\x05unit"), "MALFORMED_REQUEST");
  EXPECT_EQ(ask("\x0A\x01\xFF"), "MALFORMED_REQUEST");
  EXPECT_EQ(ask(""), "INVALID_FIELD");
  EXPECT_EQ(inventory_.call_count(), 0);
}

TEST_F(SituationReportTest, RefusesInItsDocumentedOrder) {
  Start();
  EXPECT_EQ(Ask("what", CustodianToken()).status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(status::GetReason(Ask("what", Token()).status()), "INVALID_FIELD");
  EXPECT_EQ(status::GetReason(Ask("units/city", Token(), 4000).status()), "INVALID_FIELD");
  EXPECT_EQ(status::GetReason(Ask("units/city", Token(), -1).status()), "INVALID_FIELD");
  v1::GetSituationRequest request;
  request.set_unit("units/city");
  request.set_page_size(-1);
  EXPECT_EQ(status::GetReason(Ask(request, Token()).status()), "INVALID_FIELD");
  EXPECT_EQ(inventory_.call_count(), 0);
}

}  // namespace
}  // namespace quartermaster::gateway
