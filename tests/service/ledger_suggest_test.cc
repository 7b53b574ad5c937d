// `Ledger.SuggestLots`: first expired, first out, with the reason for whatever is passed over.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>

#include "absl/strings/str_cat.h"
#include "tests/service/ledger_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;

v1::SuggestLotsRequest ASuggestion(int64_t amount, const std::string& item = "items/vaccine") {
  v1::SuggestLotsRequest request;
  request.set_location(kDepot);
  request.set_item(item);
  request.mutable_quantity()->set_amount(amount);
  return request;
}

class LedgerSuggestTest : public LedgerTest {
 protected:
  LedgerSuggestTest() {
    for (const auto& [id, expiry_date] : std::map<std::string, std::string>{
             {"old", "2019-12-31"}, {"soon", "2098-01-31"}, {"late", "2099-01-31"}}) {
      EXPECT_EQ(Outcome(CreateLot(ACreateLot("items/vaccine", id, "units/east", expiry_date))),
                "OK");
      MustPost(AReceipt(10, kDepot, absl::StrCat("items/vaccine/lots/", id)));
    }
  }

  absl::StatusOr<v1::SuggestLotsResponse> Suggest(const v1::SuggestLotsRequest& request,
                                                  const std::string& caller = kClerk) {
    return server_->Call(&LedgerStub::SuggestLots, request, caller);
  }

  // `lot quantity`, and `lot quantity reason` for what was passed over.
  static std::vector<std::string> Rows(const v1::SuggestLotsResponse& suggestion) {
    std::vector<std::string> rows;
    for (const v1::LotPick& pick : suggestion.picks()) {
      rows.push_back(absl::StrCat(pick.lot().substr(sizeof("items/vaccine/lots/") - 1), " ",
                                  pick.base_quantity()));
    }
    for (const v1::PassedOverLot& lot : suggestion.passed_over()) {
      rows.push_back(absl::StrCat(lot.lot().substr(sizeof("items/vaccine/lots/") - 1), " ",
                                  lot.base_quantity(), " ",
                                  v1::PassedOverLot::Reason_Name(lot.reason())));
    }
    return rows;
  }
};

TEST_F(LedgerSuggestTest, PicksWhatExpiresFirstAndSaysWhyNotTheRest) {
  MustPost(APosting(v1::HOLD,
                    {ALine("items/vaccine/lots/soon", kDepot, v1::AVAILABLE, v1::QUARANTINE, 4)}));

  const auto suggestion = Suggest(ASuggestion(8));

  ASSERT_TRUE(suggestion.ok()) << suggestion.status();
  EXPECT_THAT(Rows(*suggestion),
              ElementsAre("soon 6", "late 2", "old 10 EXPIRED", "soon 4 IN_QUARANTINE"));
  EXPECT_EQ(suggestion->missing_base_quantity(), 0);
  EXPECT_EQ(suggestion->base_unit(), "piece");
}

TEST_F(LedgerSuggestTest, SaysWhatIsMissingAndLooksAtTheDayAskedFor) {
  v1::SuggestLotsRequest request = ASuggestion(12);
  request.set_good_until_date("2098-02-01");

  const auto suggestion = Suggest(request);

  ASSERT_TRUE(suggestion.ok()) << suggestion.status();
  EXPECT_THAT(Rows(*suggestion), ElementsAre("late 10", "old 10 EXPIRED", "soon 10 EXPIRED"));
  EXPECT_EQ(suggestion->missing_base_quantity(), 2);
  EXPECT_EQ(suggestion->wanted_base_quantity(), 12);
}

TEST_F(LedgerSuggestTest, PicksNothingExpiredForADayThatIsOver) {
  v1::SuggestLotsRequest request = ASuggestion(1);
  request.set_good_until_date("2000-01-01");

  const auto suggestion = Suggest(request);

  ASSERT_TRUE(suggestion.ok()) << suggestion.status();
  EXPECT_THAT(Rows(*suggestion), ElementsAre("soon 1", "old 10 EXPIRED", "late 10 NOT_NEEDED"));
}

TEST_F(LedgerSuggestTest, ConvertsWhatIsAskedFor) {
  MustPost(AReceipt(120));
  v1::SuggestLotsRequest request = ASuggestion(2, "items/mask");
  request.mutable_quantity()->set_unit("box");

  const auto suggestion = Suggest(request);

  ASSERT_TRUE(suggestion.ok()) << suggestion.status();
  EXPECT_EQ(suggestion->wanted_base_quantity(), 100);
  EXPECT_EQ(suggestion->picks(0).base_quantity(), 100);
}

// One for each documented error, in the order of precedence: what is wrong in a later row is wrong
// in all rows before it too.
TEST_F(LedgerSuggestTest, FailsInTheOrderOfPrecedence) {
  v1::SuggestLotsRequest request = ASuggestion(1, "items/none");
  request.set_location("units/east/locations/none");
  request.mutable_quantity()->set_unit("barrel");
  request.set_good_until_date("2098-02-30");
  EXPECT_EQ(Outcome(Suggest(request, kWest)), "INVALID_ARGUMENT INVALID_FIELD");
  EXPECT_THAT(ViolatedFields(Suggest(request)), ElementsAre("good_until_date"));
  request.clear_good_until_date();
  EXPECT_EQ(Outcome(Suggest(request, kWest)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Suggest(request)), "NOT_FOUND LOCATION_NOT_FOUND");
  request.set_location(kDepot);
  EXPECT_EQ(Outcome(Suggest(request)), "NOT_FOUND ITEM_NOT_FOUND");
  request.set_item("items/mask");
  EXPECT_EQ(Outcome(Suggest(request)), "FAILED_PRECONDITION UNIT_OF_MEASURE_UNKNOWN");
  request.mutable_quantity()->set_unit("box");
  request.mutable_quantity()->set_amount(std::numeric_limits<int64_t>::max());
  EXPECT_EQ(Outcome(Suggest(request)), "FAILED_PRECONDITION QUANTITY_OVERFLOW");
}

}  // namespace
}  // namespace quartermaster::testing
