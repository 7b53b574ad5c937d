#include "inventory-svc/domain/lot_suggestion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace quartermaster::inventory {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kToday[] = "2020-02-03";

LotAmount AnAmount(const std::string& name, const std::string& expiry_date, int64_t quantity,
                   State state = State::kAvailable, int arrival = 0) {
  return {.lot = {.name = name,
                  .expiry_date = expiry_date,
                  .create_time = absl::FromUnixSeconds(arrival)},
          .state = state,
          .quantity = quantity};
}

std::vector<std::string> Picks(const LotSuggestion& suggestion) {
  std::vector<std::string> texts;
  for (const LotPick& pick : suggestion.picks) {
    texts.push_back(absl::StrCat(pick.lot.name, " ", pick.quantity));
  }
  return texts;
}

std::vector<std::string> PassedOver(const LotSuggestion& suggestion) {
  constexpr const char* kReasons[] = {"", "expired", "quarantine", "reserved", "not needed"};
  std::vector<std::string> texts;
  for (const PassedOverLot& lot : suggestion.passed_over) {
    texts.push_back(
        absl::StrCat(lot.lot.name, " ", lot.quantity, " ", kReasons[static_cast<int>(lot.reason)]));
  }
  return texts;
}

TEST(LotSuggestionTest, TakesWhatExpiresFirstAndNoMoreThanIsWanted) {
  const LotSuggestion suggestion =
      SuggestLots({AnAmount("late", "2020-12-31", 50), AnAmount("never", "", 50),
                   AnAmount("soon", "2020-03-01", 30), AnAmount("later", "2021-01-01", 10)},
                  40, kToday);

  EXPECT_THAT(Picks(suggestion), ElementsAre("soon 30", "late 10"));
  EXPECT_THAT(PassedOver(suggestion), ElementsAre("later 10 not needed", "never 50 not needed"));
  EXPECT_EQ(suggestion.missing, 0);
}

TEST(LotSuggestionTest, NeverPicksWhatIsExpiredOrHeldAndSaysSo) {
  const LotSuggestion suggestion = SuggestLots(
      {AnAmount("old", "2020-02-02", 5), AnAmount("held", "2020-02-20", 6, State::kQuarantine),
       AnAmount("promised", "2020-02-21", 7, State::kReserved), AnAmount("good", "2020-02-22", 8),
       AnAmount("away", "", 9, State::kInTransit)},
      20, kToday);

  EXPECT_THAT(Picks(suggestion), ElementsAre("good 8"));
  EXPECT_THAT(PassedOver(suggestion),
              ElementsAre("old 5 expired", "held 6 quarantine", "promised 7 reserved"));
  EXPECT_EQ(suggestion.missing, 12);
}

TEST(LotSuggestionTest, GoodsCanBeUsedUntilTheirLastDayEnds) {
  EXPECT_THAT(Picks(SuggestLots({AnAmount("today", kToday, 1)}, 1, kToday)),
              ElementsAre("today 1"));
  EXPECT_THAT(Picks(SuggestLots({AnAmount("today", kToday, 1)}, 1, "2020-02-04")), IsEmpty());
}

TEST(LotSuggestionTest, OfOneExpiryTheFirstToArriveGoesFirstThenTheFirstByName) {
  const LotSuggestion suggestion = SuggestLots(
      {AnAmount("c", "", 1, State::kAvailable, 2), AnAmount("b", "", 1), AnAmount("a", "", 1)}, 3,
      kToday);

  EXPECT_THAT(Picks(suggestion), ElementsAre("a 1", "b 1", "c 1"));
}

TEST(LotSuggestionTest, OneLotCanBePickedInPartAndHeldInPart) {
  const LotSuggestion suggestion =
      SuggestLots({AnAmount("lot", "", 3, State::kQuarantine), AnAmount("lot", "", 4)}, 4, kToday);

  EXPECT_THAT(Picks(suggestion), ElementsAre("lot 4"));
  EXPECT_THAT(PassedOver(suggestion), ElementsAre("lot 3 quarantine"));
}

}  // namespace
}  // namespace quartermaster::inventory
