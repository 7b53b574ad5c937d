#include "platform/base/fair_share.h"

#include <gtest/gtest.h>

namespace quartermaster::base {
namespace {

using Room = FairShare::Room;

// Takes as many places as it gets, at most `count`; returns how many these are.
int TakeUpTo(FairShare& places, const char* caller, int count) {
  int taken = 0;
  while (taken < count && places.Judge(caller) == Room::kEnough) {
    places.Take(caller);
    ++taken;
  }
  return taken;
}

TEST(FairShareTest, OneCallerAloneGetsHalf) {
  FairShare places(16);

  EXPECT_EQ(TakeUpTo(places, "anna", 16), 8);

  EXPECT_EQ(places.Judge("anna"), Room::kNoneForThisCaller);
  EXPECT_EQ(places.TakenBy("anna"), 8);
}

TEST(FairShareTest, OnceHalfAreTakenEachGetsAQuarterUntilAllAre) {
  FairShare places(16);
  TakeUpTo(places, "anna", 16);

  EXPECT_EQ(TakeUpTo(places, "boris", 16), 4);
  EXPECT_EQ(places.Judge("boris"), Room::kNoneForThisCaller);
  EXPECT_EQ(TakeUpTo(places, "chen", 16), 4);

  EXPECT_EQ(places.taken(), 16);
  EXPECT_EQ(places.Judge("ding"), Room::kNoneAtAll);
  EXPECT_EQ(places.Judge("anna"), Room::kNoneAtAll);
}

TEST(FairShareTest, WhatIsLeftCanBeTakenAgain) {
  FairShare places(16);
  TakeUpTo(places, "anna", 16);
  TakeUpTo(places, "boris", 16);

  places.Leave("boris");
  EXPECT_EQ(places.Judge("boris"), Room::kEnough);
  EXPECT_EQ(places.Judge("anna"), Room::kNoneForThisCaller) << "she holds more than a quarter";

  places.Leave("anna", 8);
  places.Leave("boris", 3);
  EXPECT_EQ(places.taken(), 0);
  EXPECT_EQ(places.TakenBy("anna"), 0);
  EXPECT_EQ(TakeUpTo(places, "anna", 16), 8);
}

TEST(FairShareTest, CountsManyPlacesAtOnce) {
  FairShare places(16);
  places.Take("anna", 7);

  EXPECT_EQ(places.Judge("anna", 1), Room::kEnough);
  EXPECT_EQ(places.Judge("anna", 2), Room::kNoneForThisCaller);
  EXPECT_EQ(places.Judge("boris", 9), Room::kEnough) << "who holds nothing is let in once";
  EXPECT_EQ(places.Judge("boris", 10), Room::kNoneAtAll);
}

TEST(FairShareTest, EveryCallerHasRoomForOneHoweverFewThereAre) {
  FairShare places(2);

  EXPECT_EQ(TakeUpTo(places, "anna", 2), 1);
  EXPECT_EQ(TakeUpTo(places, "boris", 2), 1);

  FairShare one(1);
  EXPECT_EQ(TakeUpTo(one, "anna", 2), 1);
  EXPECT_EQ(one.Judge("anna"), Room::kNoneAtAll);
}

TEST(FairShareTest, NobodysPlacesCountButHaveNoShare) {
  FairShare places(4);

  EXPECT_EQ(TakeUpTo(places, "", 3), 3);
  EXPECT_EQ(places.TakenBy(""), 0);
  EXPECT_EQ(TakeUpTo(places, "anna", 2), 1);

  places.Leave("", 3);
  EXPECT_EQ(places.taken(), 1);
}

}  // namespace
}  // namespace quartermaster::base
