// The paper that a transfer is written from, and when its steps happened as told.

#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/service/transfers_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr int64_t kWritten = 1'580'000'000;
constexpr int64_t kLeft = kWritten + 3600;
constexpr int64_t kArrived = kWritten + 7200;
constexpr int64_t kFoundOut = kWritten + 86400;

class TransferPapersTest : public TransfersTest {
 protected:
  static v1::CreateTransferRequest ADraftFrom(const std::string& number, int line = 0) {
    v1::CreateTransferRequest request = ADraft(10);
    request.mutable_source_document()->set_issuer("supplies-desk");
    request.mutable_source_document()->set_number(number);
    request.mutable_source_document()->set_line(line);
    return request;
  }
  template <typename Request>
  static Request At(int64_t seconds, Request request) {
    request.mutable_occurred_time()->set_seconds(seconds);
    return request;
  }
};

TEST_F(TransferPapersTest, KeepsItsPaperAndTheTimeOfEachStep) {
  const auto draft = Create(At(kWritten, ADraftFrom("DB-1", 3)));
  ASSERT_TRUE(draft.ok()) << draft.status();
  EXPECT_EQ(draft->source_document().issuer(), "supplies-desk");
  EXPECT_EQ(draft->source_document().number(), "DB-1");
  EXPECT_EQ(draft->source_document().line(), 3);
  EXPECT_EQ(draft->occurred_time().seconds(), kWritten);

  const auto sent = Dispatch(At(kLeft, AStep<v1::DispatchTransferRequest>(*draft)));
  const auto got = Confirm(At(kArrived, AReceiptOf(*sent, 6, 0, 4)));
  const auto closed = Resolve(At(kFoundOut, AResolution(*got, 4, 0, 0)));

  ASSERT_TRUE(closed.ok()) << closed.status();
  EXPECT_EQ(sent->occurred_time().seconds(), kLeft);
  EXPECT_EQ(got->occurred_time().seconds(), kArrived);
  EXPECT_EQ(closed->occurred_time().seconds(), kFoundOut);
  EXPECT_EQ(closed->source_document().number(), "DB-1");
  std::vector<int64_t> times;
  for (const std::string& movement : closed->movements()) {
    times.push_back(GetMovement(movement)->occurred_time().seconds());
  }
  EXPECT_THAT(times, ElementsAre(kLeft, kArrived, kFoundOut));
  EXPECT_GT(closed->update_time().seconds(), kFoundOut);
  EXPECT_EQ(Get(closed->name())->SerializeAsString(), closed->SerializeAsString());
}

TEST_F(TransferPapersTest, WhatNobodyToldOfHasNoTimeAndNoPaper) {
  const auto draft = Create(At(kWritten, ADraft(10)));
  const auto sent = Dispatch(AStep<v1::DispatchTransferRequest>(*draft));

  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_FALSE(sent->has_source_document());
  EXPECT_FALSE(sent->has_occurred_time());
  EXPECT_GT(GetMovement(sent->movements(0))->occurred_time().seconds(), kWritten);
}

// Goal: one line of one paper is written once, whoever brings it, and nobody is told of a transfer
// that they may not read.
TEST_F(TransferPapersTest, APaperIsWrittenOnceWhoeverBringsIt) {
  MakeLocation("units/aside", "box");
  const auto first = Create(ADraftFrom("DB-1"));
  ASSERT_TRUE(first.ok()) << first.status();

  const auto again = Create(ADraftFrom("DB-1"), kSender);
  v1::CreateTransferRequest elsewhere = ADraftFrom("DB-1");
  elsewhere.set_source("units/aside/locations/box");
  server_->authenticator().Grant(kBystander, "units/city", {"units.read", "ledger.read"});
  const auto by_stranger = Create(elsewhere, kBystander);

  EXPECT_EQ(Outcome(again), "ALREADY_EXISTS SOURCE_DOCUMENT_POSTED");
  EXPECT_EQ(Metadata(again, "transfer"), first->name());
  EXPECT_EQ(Metadata(again, "number"), "DB-1");
  EXPECT_EQ(Outcome(by_stranger), "ALREADY_EXISTS SOURCE_DOCUMENT_POSTED");
  EXPECT_EQ(Metadata(by_stranger, "transfer"), "(none)");
  EXPECT_THAT(by_stranger.status().ToString(), Not(HasSubstr(first->name())));
  EXPECT_EQ(Outcome(Create(ADraftFrom("DB-1", 1))), "OK");
  EXPECT_EQ(Outcome(Create(ADraftFrom("DB-2"))), "OK");
}

TEST_F(TransferPapersTest, ACancelledTransferFreesItsPaperAndKeepsNamingIt) {
  const auto first = Create(ADraftFrom("DB-1"));
  const auto cancelled = Cancel(AStep<v1::CancelTransferRequest>(*first));
  ASSERT_TRUE(cancelled.ok()) << cancelled.status();

  const auto second = Create(ADraftFrom("DB-1"));

  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(cancelled->source_document().number(), "DB-1");
  EXPECT_EQ(Count("transfer_papers"), 1);
}

TEST_F(TransferPapersTest, TheSameRequestWithAnotherPaperOrTimeIsAnotherRequest) {
  v1::CreateTransferRequest request = At(kWritten, ADraftFrom("DB-1"));
  const auto first = Create(request);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(Create(request)->SerializeAsString(), first->SerializeAsString());

  request.mutable_source_document()->set_line(1);
  EXPECT_EQ(Outcome(Create(request)), "ALREADY_EXISTS REQUEST_ID_REUSED");
  request.mutable_source_document()->set_line(0);
  EXPECT_EQ(Outcome(Create(At(kLeft, request))), "ALREADY_EXISTS REQUEST_ID_REUSED");
  request.clear_occurred_time();
  EXPECT_EQ(Outcome(Create(request)), "ALREADY_EXISTS REQUEST_ID_REUSED");
}

TEST_F(TransferPapersTest, NoStepIsTakenInTheFuture) {
  const int64_t late = absl::ToUnixSeconds(absl::Now() + absl::Hours(1));
  v1::CreateTransferRequest draft = At(late, ADraftFrom("DB-1"));
  const v1::Transfer sent = OnTheWay(10);

  EXPECT_THAT(ViolatedFields(Create(draft)), ElementsAre("occurred_time"));
  EXPECT_THAT(ViolatedFields(Dispatch(At(late, AStep<v1::DispatchTransferRequest>(sent)))),
              ElementsAre("occurred_time"));
  EXPECT_THAT(ViolatedFields(Confirm(At(late, AReceiptOf(sent, 10, 0, 0)))),
              ElementsAre("occurred_time"));
  EXPECT_THAT(ViolatedFields(Resolve(At(late, AResolution(sent, 1, 0, 0)))),
              ElementsAre("occurred_time"));
  draft.mutable_source_document()->set_issuer("Supplies Desk");
  draft.mutable_source_document()->clear_number();
  draft.mutable_source_document()->set_line(-1);
  draft.mutable_occurred_time()->set_nanos(-1);
  EXPECT_THAT(ViolatedFields(Create(draft)),
              UnorderedElementsAre("source_document.issuer", "source_document.number",
                                   "source_document.line", "occurred_time"));
}

// Goal: two who bring one paper at once write one transfer.
TEST_F(TransferPapersTest, OnePaperAtOnceIsOneTransfer) {
  for (int round = 0; round < 8; ++round) {
    const v1::CreateTransferRequest mine = ADraftFrom(absl::StrCat("R-", round));
    v1::CreateTransferRequest theirs = mine;
    theirs.set_request_id(NewRequestId());
    std::string outcomes[2];
    std::thread first([&] { outcomes[0] = Outcome(Create(mine, kOfficer)); });
    std::thread second([&] { outcomes[1] = Outcome(Create(theirs, kOther)); });
    first.join();
    second.join();

    EXPECT_THAT(outcomes, UnorderedElementsAre("OK", "ALREADY_EXISTS SOURCE_DOCUMENT_POSTED"));
  }
  EXPECT_EQ(Count("transfer_papers"), 8);
}

}  // namespace
}  // namespace quartermaster::testing
