#include "platform/document/state_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "platform/status/error.h"

namespace quartermaster::document {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Pair;

enum class State { kDraft, kSent, kDone };
enum class Verb { kSend, kSign, kAmend };
enum class Place { kHere, kThere };
enum class Actor { kWriter, kSender };

absl::string_view ToName(State state) {
  switch (state) {
    case State::kDraft:
      return "DRAFT";
    case State::kSent:
      return "SENT";
    case State::kDone:
      return "DONE";
  }
  return "";
}
absl::string_view ToName(Verb verb) {
  switch (verb) {
    case Verb::kSend:
      return "SEND";
    case Verb::kSign:
      return "SIGN";
    case Verb::kAmend:
      return "AMEND";
  }
  return "";
}

using Row = Transition<State, Verb, Place, Actor>;
constexpr Row kRows[] = {
    {State::kDraft, Verb::kSend, {State::kSent}, "letters.send", {Place::kHere}},
    {State::kDraft, Verb::kAmend, {State::kDraft}, "letters.write", {Place::kHere}},
    {State::kSent,
     Verb::kSign,
     {State::kDone},
     "letters.sign",
     {Place::kHere, Place::kThere},
     {Actor::kSender}},
};
constexpr StateTable kTable(kRows);
static_assert(kTable.IsSound(State::kDraft, {State::kDraft, State::kSent, State::kDone}));

const std::vector<std::pair<Place, std::string>> kPlaces = {{Place::kHere, "units/a"},
                                                            {Place::kThere, "units/b"}};
const std::vector<std::pair<Actor, std::string>> kActors = {{Actor::kWriter, "persons/w"},
                                                            {Actor::kSender, "persons/s"}};

TEST(StateTableTest, RefusesAVerbOfAnotherStateAndSaysWhatIsAllowed) {
  EXPECT_TRUE(kTable.CheckAllowed("letters/1", State::kDraft, Verb::kSend).ok());

  const absl::Status refused = kTable.CheckAllowed("letters/1", State::kDraft, Verb::kSign);

  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  const status::ErrorDetail detail = status::GetErrorDetail(refused);
  EXPECT_EQ(detail.reason, "STATE_NOT_ALLOWED");
  EXPECT_THAT(detail.metadata, Contains(Pair("state", "DRAFT")));
  EXPECT_THAT(detail.metadata, Contains(Pair("verb", "SIGN")));
  EXPECT_THAT(detail.metadata, Contains(Pair("allowed", "SEND,AMEND")));
}

TEST(StateTableTest, BarsOnlyWhoTookABarringStep) {
  EXPECT_EQ(status::GetReason(
                kTable.CheckFourEyes("letters/1", State::kSent, Verb::kSign, "persons/s", kActors)),
            "FOUR_EYES_REQUIRED");
  EXPECT_TRUE(
      kTable.CheckFourEyes("letters/1", State::kSent, Verb::kSign, "persons/w", kActors).ok());
  EXPECT_TRUE(
      kTable.CheckFourEyes("letters/1", State::kDraft, Verb::kSend, "persons/s", kActors).ok());
}

TEST(StateTableTest, ListsTheTasksOfAState) {
  const std::vector<Task> tasks = kTable.TasksIn(State::kSent, kPlaces, kActors);

  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_EQ(tasks[0].verb, "SIGN");
  EXPECT_EQ(tasks[0].permission, "letters.sign");
  EXPECT_THAT(tasks[0].units, ElementsAre("units/a", "units/b"));
  EXPECT_THAT(tasks[0].barred_actors, ElementsAre("persons/s"));
  EXPECT_TRUE(kTable.TasksIn(State::kDone, kPlaces, kActors).empty());
}

TEST(StateTableTest, NamesAUnitOnceThatIsBothPlaces) {
  const std::vector<Task> tasks = kTable.TasksIn(
      State::kSent, {{Place::kHere, "units/a"}, {Place::kThere, "units/a"}}, kActors);

  EXPECT_THAT(tasks.at(0).units, ElementsAre("units/a"));
}

TEST(StateTableTest, IsNotSoundWithAStateThatNothingLeadsTo) {
  constexpr Row kIsland[] = {
      {State::kDraft, Verb::kAmend, {State::kDraft}, "letters.write", {Place::kHere}},
      {State::kSent, Verb::kSign, {State::kDone}, "letters.sign", {Place::kThere}}};
  EXPECT_FALSE(StateTable(kIsland).IsSound(State::kDraft, {State::kDraft, State::kDone}));
}

TEST(StateTableTest, IsNotSoundWithAVerbTwiceInOneState) {
  constexpr Row kTwice[] = {
      {State::kDraft, Verb::kSend, {State::kSent}, "letters.send", {Place::kHere}},
      {State::kDraft, Verb::kSend, {State::kDone}, "letters.send", {Place::kHere}}};
  EXPECT_FALSE(
      StateTable(kTwice).IsSound(State::kDraft, {State::kDraft, State::kSent, State::kDone}));
}

}  // namespace
}  // namespace quartermaster::document
