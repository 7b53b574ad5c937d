#include "platform/rpc/status_codec.h"

#include <gmock/gmock.h>
#include <google/rpc/status.pb.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "platform/status/error.h"

namespace quartermaster::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kTrace[] = "0af7651916cd43dd8448eb211c80319c";

absl::Status Travel(const absl::Status& status) {
  return FromGrpcStatus(ToGrpcStatus(status, kTrace));
}

TEST(StatusCodecTest, CarriesEveryDetailThereAndBack) {
  const status::ErrorDetail detail = {
      .reason = "INSUFFICIENT_STOCK",
      .metadata = {{"available", "512"}, {"line", "2"}, {"wanted", "700"}},
      .field_violations = {{"lines[2].lot", "is required"}, {"note", "很长"}},
      .retry_after = absl::Milliseconds(1500)};
  const absl::Status status =
      status::MakeError(absl::StatusCode::kFailedPrecondition, "line 2: 库存不足", detail);

  const absl::Status arrived = Travel(status);

  EXPECT_EQ(arrived.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(arrived.message(), "line 2: 库存不足");
  EXPECT_EQ(status::GetErrorDetail(arrived), detail);
}

TEST(StatusCodecTest, CarriesEveryDocumentedError) {
  for (const absl::Status& status :
       {status::InvalidFields({{"name", "is required"}}), status::CredentialsInvalid("expired"),
        status::PermissionDenied("units.read", "units/east"),
        status::Overloaded("full", absl::Seconds(1)), status::StorageUnavailable("gone"),
        status::OutcomeUnknown(), status::DeadlineExceeded("waiting"),
        status::RequestIdReused("018f3b5e-7a1c-7d2e-9b3f-2a6c1d4e5f60"),
        status::EtagMismatch("units/east")}) {
    EXPECT_FALSE(IsHidden(status));
    const absl::Status arrived = Travel(status);
    EXPECT_EQ(arrived.code(), status.code());
    EXPECT_EQ(arrived.message(), status.message());
    EXPECT_EQ(status::GetReason(arrived), status::GetReason(status));
  }
  EXPECT_EQ(Travel(absl::OkStatus()), absl::OkStatus());
}

TEST(StatusCodecTest, HidesOurOwnFaults) {
  for (const absl::Status& status :
       {status::Internal("row 7 of secret_table"), absl::UnknownError("row 7 of secret_table"),
        absl::DataLossError("row 7 of secret_table")}) {
    EXPECT_TRUE(IsHidden(status));
    const grpc::Status answer = ToGrpcStatus(status, kTrace);
    EXPECT_EQ(answer.error_code(), grpc::StatusCode::INTERNAL);
    EXPECT_EQ(answer.error_message(), absl::StrCat("internal error, trace ", kTrace));
    EXPECT_THAT(answer.error_details(), Not(HasSubstr("secret_table")));
    const status::ErrorDetail detail = status::GetErrorDetail(FromGrpcStatus(answer));
    EXPECT_EQ(detail.reason, "INTERNAL");
    EXPECT_THAT(detail.metadata,
                ElementsAre(std::make_pair(std::string("trace_id"), std::string(kTrace))));
  }
}

TEST(StatusCodecTest, HidesTextThatWasNotMadeForCallers) {
  const absl::Status status = absl::UnavailableError("connect to 10.0.0.7 as root failed");

  const absl::Status arrived = Travel(status);

  EXPECT_TRUE(IsHidden(status));
  EXPECT_EQ(arrived.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status::GetReason(arrived), "UNAVAILABLE");
  EXPECT_THAT(std::string(arrived.message()), Not(HasSubstr("10.0.0.7")));
}

// Goal: an error always arrives. Trailing metadata beyond 8 KB would be cut off by the other end,
// and the caller would learn nothing.
TEST(StatusCodecTest, StaysBelowTheLimitOfTheOtherEnd) {
  status::ErrorDetail detail = {.reason = "INVALID_FIELD"};
  for (int i = 0; i < 500; ++i) {
    detail.field_violations.push_back(
        {absl::StrCat("lines[", i, "].quantity.amount"), std::string(1000, 'x')});
    detail.metadata.emplace_back(absl::StrCat("key_", i), std::string(1000, 'y'));
  }
  std::string message;
  for (int i = 0; i < 2000; ++i) absl::StrAppend(&message, "粮");

  const grpc::Status answer =
      ToGrpcStatus(status::MakeError(absl::StatusCode::kInvalidArgument, message, detail), kTrace);

  const size_t bytes_on_the_wire =
      answer.error_message().size() * 3 + absl::Base64Escape(answer.error_details()).size();
  EXPECT_LT(bytes_on_the_wire, 8000u);
  EXPECT_THAT(answer.error_message(), SizeIs(::testing::Gt(1000u)));
  EXPECT_EQ(status::GetReason(FromGrpcStatus(answer)), "INVALID_FIELD");
}

TEST(StatusCodecTest, SurvivesBytesThatAreNotUtf8) {
  const absl::Status status =
      status::MakeError(absl::StatusCode::kInvalidArgument, "bad \xFF name",
                        {.reason = "INVALID_FIELD", .metadata = {{"name", "\xFF"}}});

  EXPECT_EQ(Travel(status).message(), "bad \xEF\xBF\xBD name");
  EXPECT_EQ(status::GetReason(Travel(status)), "INVALID_FIELD");
}

TEST(StatusCodecTest, KeepsForeignErrorsAsTheyAre) {
  const absl::Status transport =
      FromGrpcStatus(grpc::Status(grpc::StatusCode::UNAVAILABLE, "connection refused"));
  EXPECT_EQ(transport.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(transport.message(), "connection refused");
  EXPECT_THAT(status::GetReason(transport), IsEmpty());

  const absl::Status garbage =
      FromGrpcStatus(grpc::Status(grpc::StatusCode::ABORTED, "a", "\xFF\xFF"));
  EXPECT_EQ(garbage.code(), absl::StatusCode::kAborted);
}

}  // namespace
}  // namespace quartermaster::rpc
