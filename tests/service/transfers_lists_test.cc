// Transfers.ListTransfers.

#include "tests/service/transfers_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST_F(TransfersTest, ListShowsBothEndsNewestFirst) {
  const std::string first = Draft(1).name();
  const std::string second = Draft(2).name();

  EXPECT_THAT(List("units/east", kSender), ElementsAre(second, first));
  EXPECT_THAT(List("units/west", kSigner), ElementsAre(second, first));
  EXPECT_THAT(List("units/city", kOfficer), ElementsAre(second, first));
  EXPECT_THAT(List("units/aside", kOfficer), IsEmpty());
  v1::ListTransfersRequest request;
  request.set_unit("east");
  request.set_page_size(-1);
  request.set_page_token("x");
  EXPECT_THAT(ViolatedFields(server_->Call(&TransfersStub::ListTransfers, request, kSender)),
              UnorderedElementsAre("unit", "page_size", "page_token"));
  request = {};
  request.set_unit("units/west");
  EXPECT_EQ(Outcome(server_->Call(&TransfersStub::ListTransfers, request, kSender)),
            "PERMISSION_DENIED PERMISSION_DENIED");
}

class TransfersPagesTest : public TransfersTest {
 protected:
  // Lists all, page by page.
  std::vector<std::string> ListByPages(v1::ListTransfersRequest request, int page_size = 2) {
    std::vector<std::string> names;
    request.set_page_size(page_size);
    do {
      const auto page = server_->Call(&TransfersStub::ListTransfers, request, kOfficer);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      for (const v1::Transfer& transfer : page->transfers()) names.push_back(transfer.name());
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return names;
  }
};

TEST_F(TransfersPagesTest, ListPagesToTheEndWithoutGapOrRepetition) {
  std::vector<std::string> made;
  for (int i = 0; i < 5; ++i) made.insert(made.begin(), Draft(1).name());
  v1::ListTransfersRequest request;
  request.set_unit("units/city");
  EXPECT_EQ(ListByPages(request), made);
}

// Goal: long drafts of one unit do not make the list of all too long for an answer.
TEST_F(TransfersPagesTest, APageEndsEarlyWhenItsTransfersHaveManyLines) {
  v1::CreateTransferRequest draft = ADraft(1);
  for (int line = 1; line < 200; ++line) {
    const std::string lot = absl::StrCat("l", line);
    ASSERT_EQ(Outcome(CreateLot(ACreateLot("items/mask", lot))), "OK");
    *draft.add_lines() = draft.lines(0);
    draft.mutable_lines(line)->set_lot(absl::StrCat("items/mask/lots/", lot));
  }
  std::vector<std::string> made;
  for (int i = 0; i < 12; ++i) {
    draft.set_request_id(NewRequestId());
    const auto transfer = Create(draft);
    ASSERT_TRUE(transfer.ok()) << transfer.status();
    made.insert(made.begin(), transfer->name());
  }
  v1::ListTransfersRequest request;
  request.set_unit("units/city");

  const auto page = server_->Call(&TransfersStub::ListTransfers, request, kOfficer);

  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->transfers_size(), 10);
  EXPECT_NE(page->next_page_token(), "");
  EXPECT_EQ(ListByPages(request, 1000), made);
}

// Goal: each sees what they could do next, and not what only another may do.
TEST_F(TransfersTest, WhatWaitsIsShownToWhoMayDoIt) {
  const v1::Transfer draft = Draft(100);
  EXPECT_THAT(List("units/city", kOfficer, true), ElementsAre(draft.name()));
  EXPECT_THAT(List("units/west", kSigner, true), IsEmpty());

  const auto sent = Dispatch(AStep<v1::DispatchTransferRequest>(draft), kSender);
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_THAT(List("units/west", kSigner, true), ElementsAre(draft.name()));
  EXPECT_THAT(List("units/east", kSender, true), IsEmpty());
  EXPECT_THAT(List("units/city", kOfficer, true), ElementsAre(draft.name()));

  const auto got = Confirm(AReceiptOf(*sent, 90, 0, 10), kSigner);
  ASSERT_TRUE(got.ok()) << got.status();
  // It takes both ends, and neither who sent nor who signed.
  EXPECT_THAT(List("units/west", kSigner, true), IsEmpty());
  EXPECT_THAT(List("units/city", kOfficer, true), ElementsAre(draft.name()));
  // What waits is told of the unit asked for alone.
  EXPECT_THAT(List("units/aside", kOfficer, true), IsEmpty());
  ASSERT_EQ(Outcome(Resolve(AResolution(*got, 10, 0, 0))), "OK");
  EXPECT_THAT(List("units/city", kOfficer, true), IsEmpty());
  EXPECT_EQ(Count("document_tasks"), 0);
}

TEST_F(TransfersPagesTest, WhatWaitsIsPagedToo) {
  std::vector<std::string> made;
  for (int i = 0; i < 3; ++i) made.insert(made.begin(), Draft(1).name());
  ASSERT_EQ(Outcome(Cancel(AStep<v1::CancelTransferRequest>(Draft(1)))), "OK");
  v1::ListTransfersRequest request;
  request.set_unit("units/west");
  request.set_waiting_for_me(true);
  EXPECT_EQ(ListByPages(request), made);
}

}  // namespace
}  // namespace quartermaster::testing
