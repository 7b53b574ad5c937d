// What nobody should send, sent all the same: a clear error each time, nothing written, nobody else
// harmed.

#include <grpcpp/generic/generic_stub.h>

#include <atomic>
#include <functional>
#include <latch>
#include <thread>

#include "platform/rpc/raw_connection.h"
#include "tests/service/hostile_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

constexpr char kPostMovement[] = "quartermaster.inventory.v1.Ledger/PostMovement";

using HostileInputTest = HostileTest;
using HostileBytesTest = HostileTest;
using FullAccountTest = LedgerTest;
using PoisonTest = LedgerTest;

struct BadPosting {
  const char* name;
  std::function<void(v1::PostMovementRequest&)> spoil;
  std::vector<std::string> fields;
};

TEST_F(HostileInputTest, EveryBadFieldOfAPostingIsNamed) {
  const auto lot = [](const char* text) {
    return [text](auto& r) { r.mutable_lines(0)->set_lot(text); };
  };
  const auto place = [](const char* text) {
    return [text](auto& r) {
      r.mutable_lines(0)->mutable_source()->set_location(text);
      r.mutable_lines(0)->mutable_destination()->set_location(text);
    };
  };
  const auto amount = [](int64_t number) {
    return [number](auto& r) { r.mutable_lines(0)->mutable_quantity()->set_amount(number); };
  };
  const auto measure = [](const char* text) {
    return [text](auto& r) { r.mutable_lines(0)->mutable_quantity()->set_unit(text); };
  };
  const auto request_id = [](const char* text) {
    return [text](auto& r) { r.set_request_id(text); };
  };
  const auto time = [](int64_t seconds, int32_t nanos) {
    return [=](auto& r) {
      r.mutable_occurred_time()->set_seconds(seconds);
      r.mutable_occurred_time()->set_nanos(nanos);
    };
  };
  const auto lines = [](int count) {
    return [count](auto& r) {
      const v1::MovementLine line = r.lines(0);
      r.clear_lines();
      for (int i = 0; i < count; ++i) *r.add_lines() = line;
    };
  };
  const std::vector<std::string> kLot = {"lines[0].lot"};
  const std::vector<std::string> kPlaces = {"lines[0].source.location",
                                            "lines[0].destination.location"};
  const std::vector<std::string> kAmount = {"lines[0].quantity.amount"};
  const std::vector<std::string> kMeasure = {"lines[0].quantity.unit"};
  const std::vector<std::string> kRequestId = {"request_id"};
  const std::vector<std::string> kTime = {"occurred_time"};
  const BadPosting kRows[] = {
      {"no lot", lot(""), kLot},
      {"a lot of no item", lot("lots/m1"), kLot},
      {"a lot with a part too many", lot("items/mask/lots/m1/x"), kLot},
      {"a lot in capitals", lot("items/Mask/lots/m1"), kLot},
      {"a lot with a quote", lot("items/mask/lots/m1'--"), kLot},
      {"a lot with a dash at its end", lot("items/mask/lots/m-"), kLot},
      {"a lot that climbs", lot("items/../lots/m1"), kLot},
      {"a lot in wide letters", lot("items/ｍａｓｋ/lots/m1"), kLot},
      {"a lot with a zero byte",
       [](auto& r) { r.mutable_lines(0)->set_lot(std::string("items/mask/lots/m1\0", 19)); }, kLot},
      {"an id of 64 letters",
       [](auto& r) { r.mutable_lines(0)->set_lot("items/mask/lots/" + std::string(64, 'a')); },
       kLot},
      {"no place", place(""), kPlaces},
      {"a unit as a place", place("units/east"), kPlaces},
      {"a place with a space", place("units/east/locations/the depot"), kPlaces},
      {"nothing", amount(0), kAmount},
      {"less than nothing", amount(-1), kAmount},
      {"the least there is", amount(INT64_MIN), kAmount},
      {"a unit of measure in capitals", measure("Box"), kMeasure},
      {"a unit of measure in Chinese", measure("箱"), kMeasure},
      {"a unit of measure of 33 letters", measure("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), kMeasure},
      {"no request id", request_id(""), kRequestId},
      {"the nil request id", request_id("00000000-0000-0000-0000-000000000000"), kRequestId},
      {"a request id without dashes", request_id("018f3b5e7a1c7d2e9b3f2a6c1d4e5f60"), kRequestId},
      {"a request id in braces", request_id("{018f3b5e-7a1c-7d2e-9b3f-2a6c1d4e5f60}"), kRequestId},
      {"a request id with a g", request_id("018f3b5g-7a1c-7d2e-9b3f-2a6c1d4e5f60"), kRequestId},
      {"before 1970", time(-1, 0), kTime},
      {"before year 1", time(-62135596801, 0), kTime},
      {"after year 9999", time(253402300800, 0), kTime},
      {"the last second there is", time(INT64_MAX, 0), kTime},
      {"negative nanoseconds", time(1'579'996'800, -1), kTime},
      {"a thousand million nanoseconds", time(1'579'996'800, 1'000'000'000), kTime},
      {"next year", time(absl::ToUnixSeconds(absl::Now()) + 366 * 86400, 0), kTime},
      {"six minutes ahead", time(absl::ToUnixSeconds(absl::Now()) + 360, 0), kTime},
      {"no lines", lines(0), {"lines"}},
      {"501 lines", lines(501), {"lines"}},
      {"no reason", [](auto& r) { r.clear_reason(); }, {"reason"}},
      {"a reason of the future",
       [](auto& r) { r.set_reason(static_cast<v1::MovementReason>(15)); },
       {"reason"}},
      {"a reason below zero",
       [](auto& r) { r.set_reason(static_cast<v1::MovementReason>(-1)); },
       {"reason"}},
      {"a reason that is another's modulo 256",
       [](auto& r) { r.set_reason(static_cast<v1::MovementReason>(257)); },
       {"reason"}},
      {"no state",
       [](auto& r) { r.mutable_lines(0)->mutable_source()->clear_state(); },
       {"lines[0].source.state"}},
      {"a state between inside and outside",
       [](auto& r) {
         r.mutable_lines(0)->mutable_source()->set_state(static_cast<v1::AccountState>(6));
       },
       {"lines[0].source.state"}},
      {"a state of the future",
       [](auto& r) {
         r.mutable_lines(0)->mutable_destination()->set_state(
             static_cast<v1::AccountState>(INT32_MAX));
       },
       {"lines[0].destination.state"}},
      {"goods of a document",
       [](auto& r) {
         r.mutable_lines(0)->mutable_source()->set_holder(
             "transfers/018f3b5e-7a1c-7d2e-9b3f-2a6c1d4e5f60");
       },
       {"lines[0].source.holder"}},
      {"an account to itself",
       [](auto& r) { r.mutable_lines(0)->mutable_destination()->set_state(v1::SUPPLIER); },
       {"lines[0].destination"}},
      {"a note of 501 letters", [](auto& r) { r.set_note(std::string(501, 'n')); }, {"note"}},
      {"a note with a bell", [](auto& r) { r.set_note("ring\a"); }, {"note"}},
      {"an empty paper",
       [](auto& r) { r.mutable_source_document(); },
       {"source_document.issuer", "source_document.number"}},
      {"an issuer with a space",
       [](auto& r) {
         r = WithPaper(r, "A-1");
         r.mutable_source_document()->set_issuer("a b");
       },
       {"source_document.issuer"}},
      {"a paper of 65 letters",
       [](auto& r) { r = WithPaper(r, std::string(65, 'A')); },
       {"source_document.number"}},
      {"a paper with a blank at its end",
       [](auto& r) { r = WithPaper(r, "A-1 "); },
       {"source_document.number"}},
      {"a line of a paper below zero",
       [](auto& r) {
         r = WithPaper(r, "A-1");
         r.mutable_source_document()->set_line(-1);
       },
       {"source_document.line"}},
  };
  for (const BadPosting& row : kRows) {
    v1::PostMovementRequest request = AReceipt(5);
    row.spoil(request);

    const auto answer = Post(request);

    EXPECT_EQ(Outcome(answer), "INVALID_ARGUMENT INVALID_FIELD") << row.name;
    EXPECT_THAT(ViolatedFields(answer), ElementsAreArray(row.fields)) << row.name;
  }
}

TEST_F(HostileInputTest, QuantitiesThatCannotBeAreRefused) {
  struct {
    const char* name;
    const char* lot;
    const char* measure;
    int64_t amount;
    const char* reason;
  } const kRows[] = {
      {"a measure of another item", kMasks, "litre", 1, "UNIT_OF_MEASURE_UNKNOWN"},
      {"money for a count", kMasks, "yuan", 1, "UNIT_OF_MEASURE_UNKNOWN"},
      {"a pack that nobody declared", kMasks, "box50", 1, "UNIT_OF_MEASURE_UNKNOWN"},
      {"one too many", kMasks, "box", INT64_MAX / 50 + 1, "QUANTITY_OVERFLOW"},
      {"the most there is", kMasks, "box", INT64_MAX, "QUANTITY_OVERFLOW"},
  };
  for (const auto& row : kRows) {
    v1::PostMovementRequest request = AReceipt(row.amount, kDepot, row.lot);
    request.mutable_lines(0)->mutable_quantity()->set_unit(row.measure);

    EXPECT_EQ(status::GetReason(Post(request).status()), row.reason) << row.name;
  }
}

// Goal: no account counts past its end, on either side.
TEST_F(FullAccountTest, AnAccountHoldsNoMoreThanCanBeCounted) {
  const std::string full = MustPost(AReceipt(INT64_MAX));

  const auto inside =
      Post(APosting(v1::RECEIVE, {ALine(kMasks, kDepot, v1::DONOR, v1::AVAILABLE, 1)}));
  EXPECT_EQ(Outcome(inside), "FAILED_PRECONDITION QUANTITY_OVERFLOW");
  EXPECT_EQ(Metadata(inside, "location"), kDepot);
  // What the supplier still can give is one piece: then it owes all there is, and one.
  const std::string last =
      MustPost(APosting(v1::RECEIVE, {ALine(kMasks, kDepot, v1::SUPPLIER, v1::QUARANTINE, 1)}));
  const auto outside =
      Post(APosting(v1::RECEIVE, {ALine(kMasks, kDepot, v1::SUPPLIER, v1::QUARANTINE, 1)}));
  EXPECT_EQ(Outcome(outside), "FAILED_PRECONDITION QUANTITY_OVERFLOW");

  ASSERT_EQ(Outcome(Reverse(AReversal(last))), "OK");
  ASSERT_EQ(Outcome(Reverse(AReversal(full))), "OK");
}

TEST_F(HostileInputTest, ALargeMovementIsTakenWholeOrNotAtAll) {
  v1::PostMovementRequest request = AReceipt(1);
  for (int i = 1; i < 499; ++i) *request.add_lines() = request.lines(0);
  *request.add_lines() = ALine(kMasks, kShelf, v1::AVAILABLE, v1::QUARANTINE, 1);

  const auto answer = Post(request);

  EXPECT_EQ(Outcome(answer), "FAILED_PRECONDITION STATE_CHANGE_NOT_ALLOWED");
  EXPECT_EQ(Metadata(answer, "line"), "500");
}

TEST_F(HostileInputTest, OfManyMistakesTheFirstAreToldAndTheAnswerArrives) {
  v1::PostMovementRequest request = AReceipt(1);
  for (int i = 1; i < 500; ++i) request.add_lines();

  const auto answer = Post(request);

  EXPECT_EQ(Outcome(answer), "INVALID_ARGUMENT INVALID_FIELD");
  EXPECT_THAT(ViolatedFields(answer), Contains("lines[1].lot"));
}

TEST_F(HostileBytesTest, ARequestOfMoreThanFourMebibytesIsRefused) {
  v1::PostMovementRequest request = AReceipt(1);
  request.set_note(std::string(4 * 1024 * 1024, 'n'));

  EXPECT_EQ(Post(request).status().code(), absl::StatusCode::kResourceExhausted);
}

// Goal: bytes that are no request are told apart from a method that is not there.
TEST_F(HostileBytesTest, BytesThatAreNoRequestAreRefusedInWords) {
  v1::PostMovementRequest no_utf8 = AReceipt(1);
  std::string spoiled = no_utf8.SerializeAsString();
  const size_t lot = spoiled.find(kMasks);
  ASSERT_NE(lot, std::string::npos);
  spoiled[lot] = '\xC3';
  const std::pair<const char*, std::string> kRows[] = {
      {"text that is not UTF-8", spoiled},
      {"a length past the end", std::string("\x12\x7F", 2)},
      {"a field with the number 0", std::string("\x02\x00", 2)},
      {"a number that never ends", "\x08" + std::string(20, '\xFF')},
      {"noise", "\xDE\xAD\xBE\xEF"},
  };
  grpc::GenericStub stub(server_->channel());
  for (const auto& [name, bytes] : kRows) {
    grpc::ClientContext context;
    server_->Prepare(context, kClerk);
    const grpc::Slice slice(bytes);
    grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    std::latch done(1);
    grpc::Status status;

    stub.UnaryCall(&context, absl::StrCat("/", kPostMovement), {}, &request, &response,
                   [&](grpc::Status ended) {
                     status = ended;
                     done.count_down();
                   });
    done.wait();

    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << name;
    EXPECT_THAT(status.error_message(), HasSubstr("not a valid request")) << name;
  }
}

TEST_F(HostileBytesTest, FieldsOfTheFutureAreLeftAlone) {
  v1::GetMovementRequest request;
  request.set_name(absl::StrCat("movements/", kUnusedUuid));
  request.GetReflection()->MutableUnknownFields(&request)->AddVarint(99, 7);

  EXPECT_EQ(Outcome(server_->Call(&LedgerStub::GetMovement, request, kClerk)),
            "NOT_FOUND MOVEMENT_NOT_FOUND");
}

TEST_F(HostileBytesTest, TooMuchMetadataIsRefusedInWords) {
  grpc::ClientContext context;
  server_->Prepare(context, kClerk);
  context.AddMetadata("x-padding", std::string(9 * 1024, 'x'));
  v1::Movement response;

  const grpc::Status status =
      LedgerStub(server_->channel()).PostMovement(&context, AReceipt(1), &response);

  EXPECT_EQ(rpc::FromGrpcStatus(status).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status::GetReason(rpc::FromGrpcStatus(status)), "METADATA_TOO_LARGE");
}

// Goal: what one caller sends cannot take away another's calls, though gRPC 1.51 closes the whole
// connection on it. Method: fifty calls are held in flight by a lock on the row that they need;
// meanwhile others bring too much metadata, binary metadata that is no base64 and bytes that are no
// HTTP/2. Then the lock goes, and all fifty must have their answer.
TEST_F(PoisonTest, HarmsNoConnectionButItsOwn) {
  const std::string receipt = MustPost(AReceipt(50));
  auto lease = database_.pool().Acquire(absl::Now() + absl::Seconds(10));
  ASSERT_TRUE(lease.ok()) << lease.status();
  ASSERT_TRUE((*lease)->Execute("START TRANSACTION").ok());
  ASSERT_TRUE((*lease)->Query("SELECT * FROM balances FOR UPDATE").ok());
  std::atomic<int> good_count = 0;
  std::vector<v1::PostMovementRequest> requests;
  for (int i = 0; i < 50; ++i) requests.push_back(AConsumption(1));
  std::vector<std::thread> callers;
  std::atomic<bool> is_over = false;
  for (const v1::PostMovementRequest& request : requests) {
    // A wait for the row that lasts too long is told as UNAVAILABLE: to be repeated, which is safe.
    callers.emplace_back([&] {
      while (!is_over) {
        const auto posted = Post(request);
        if (posted.ok()) break;
        ASSERT_TRUE(absl::IsUnavailable(posted.status()) || absl::IsAborted(posted.status()) ||
                    absl::IsResourceExhausted(posted.status()))
            << posted.status();
        ASSERT_NE(status::GetReason(posted.status()), "") << posted.status();
      }
      ++good_count;
    });
  }

  for (int i = 0; i < 3; ++i) {
    grpc::ClientContext context;
    server_->Prepare(context, kClerk);
    context.AddMetadata("x-padding", std::string(200 * 1024, 'x'));
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto channel = grpc::CreateCustomChannel(server_->address(),
                                                   grpc::InsecureChannelCredentials(), arguments);
    v1::Movement response;
    EXPECT_FALSE(LedgerStub(channel).PostMovement(&context, AReceipt(1), &response).ok());
    rpc::RawConnection binary(server_->address());
    binary.Call(kPostMovement, {{"authorization", kClerk}, {"x-poison-bin", "!!! no base64 !!!"}});
    EXPECT_TRUE(binary.IsClosedByServer());
  }
  ASSERT_TRUE((*lease)->Execute("COMMIT").ok());
  EXPECT_TRUE(WaitUntil(absl::Now() + absl::Seconds(30), [&] { return good_count == 50; }));
  is_over = true;
  for (std::thread& caller : callers) caller.join();

  EXPECT_EQ(Holds(kDepot, v1::AVAILABLE), 0);
  EXPECT_EQ(Count("movements"), 51);
}

}  // namespace
}  // namespace quartermaster::testing
