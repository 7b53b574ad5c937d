#include "inventory-svc/lanes/turn_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "inventory-svc/lanes/test_postings.h"
#include "platform/status/error.h"

namespace quartermaster::inventory {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string ReasonOf(const PostingAnswer& answer) {
  return answer.ok() ? "OK" : status::GetReason(answer.status());
}

bool NamesItsMovement(const PostingAnswer& answer) {
  const auto metadata = status::GetErrorDetail(answer.status()).metadata;
  return std::ranges::any_of(metadata, [](const auto& entry) { return entry.first == "movement"; });
}

std::vector<std::string> ReasonsOf(const std::vector<PostingAnswer>& answers) {
  std::vector<std::string> reasons;
  for (const PostingAnswer& answer : answers) reasons.push_back(ReasonOf(answer));
  return reasons;
}

std::vector<PostingAnswer> RunTurn(LaneWorld& world, const std::vector<PendingPosting>& postings,
                                   const TurnRunner::Options& options = {}) {
  TurnRunner runner(world.store, world.ledger, world.clock, options);
  Turn turn;
  for (const PendingPosting& posting : postings) turn.push_back(&posting);
  std::vector<PostingAnswer> answers = runner.Run(turn);
  EXPECT_EQ(answers.size(), postings.size());
  EXPECT_THAT(FindViolations(world.store.books()), IsEmpty());
  return answers;
}

TEST(TurnRunnerTest, DecidesEachOnWhatTheOnesBeforeItLeft) {
  LaneWorld world;

  const auto answers =
      RunTurn(world, {world.Prepare(AConsumption(1, 1)), world.Prepare(AReceipt(5, 2)),
                      world.Prepare(AConsumption(3, 3)), world.Prepare(AConsumption(3, 4)),
                      world.Prepare(AConsumption(2, 5))});

  EXPECT_THAT(ReasonsOf(answers),
              ElementsAre("INSUFFICIENT_STOCK", "OK", "OK", "INSUFFICIENT_STOCK", "OK"));
  EXPECT_EQ(world.OnHand(), 0);
  EXPECT_LT(answers[1]->record_time, answers[2]->record_time);
  EXPECT_LT(answers[1]->movement_id, answers[2]->movement_id);
}

TEST(TurnRunnerTest, AnswersATwinWithTheFirstAndRefusesAnotherContent) {
  LaneWorld world;

  const auto answers =
      RunTurn(world, {world.Prepare(AReceipt(5, 1)), world.Prepare(AReceipt(5, 1)),
                      world.Prepare(AReceipt(6, 1)), world.Prepare(AReceipt(6, 1), "anna")});

  EXPECT_THAT(ReasonsOf(answers), ElementsAre("OK", "OK", "REQUEST_ID_REUSED", "OK"));
  EXPECT_EQ(answers[0]->movement_id, answers[1]->movement_id);
  EXPECT_EQ(world.OnHand(), 11);
}

TEST(TurnRunnerTest, DecidesTheTwinOfARefusedOneAnew) {
  LaneWorld world;

  const auto answers =
      RunTurn(world, {world.Prepare(AConsumption(5, 1)), world.Prepare(AReceipt(5, 2)),
                      world.Prepare(AConsumption(5, 1))});

  EXPECT_THAT(ReasonsOf(answers), ElementsAre("INSUFFICIENT_STOCK", "OK", "OK"));
}

TEST(TurnRunnerTest, GivesARepetitionItsFirstAnswerWhateverIsWrongWithItNow) {
  LaneWorld world;
  const auto first = RunTurn(world, {world.Prepare(AReceipt(5, 1))});
  PendingPosting repeated = world.Prepare(AReceipt(5, 1));
  repeated.lines = {};
  repeated.refusal = absl::NotFoundError("gone");
  PendingPosting unheard_of = world.Prepare(AReceipt(5, 2));
  unheard_of.lines = {};
  unheard_of.refusal = absl::NotFoundError("gone");

  const auto answers = RunTurn(world, {repeated, unheard_of});

  ASSERT_TRUE(answers[0].ok());
  EXPECT_EQ(answers[0]->movement_id, first[0]->movement_id);
  EXPECT_TRUE(absl::IsNotFound(answers[1].status()));
}

TEST(TurnRunnerTest, RefusesARequestThatWroteADocument) {
  LaneWorld world;
  const PendingPosting posting = world.Prepare(AReceipt(5, 1));
  world.store.AddDocumentRequest(posting.Key());

  EXPECT_THAT(ReasonsOf(RunTurn(world, {posting})), ElementsAre("REQUEST_ID_REUSED"));
}

TEST(TurnRunnerTest, TakesOnePaperOnceAndNamesItsMovementToWhoMayReadIt) {
  LaneWorld world;
  PostMovementCommand first = AReceipt(5, 1);
  PostMovementCommand second = AReceipt(5, 2, kShelf);
  first.source_document = second.source_document = {.issuer = "ministry", .number = "7"};
  PendingPosting reader = world.Prepare(second);
  PendingPosting stranger = world.Prepare(second, "anna");
  reader.call.caller.grants = {{.unit = "units/east",
                                .permissions = std::make_shared<const base::PermissionSet>(
                                    base::PermissionSet{"ledger.read"})}};
  stranger.call.caller.grants.clear();

  const auto answers = RunTurn(world, {world.Prepare(first), reader, stranger});
  const auto later = RunTurn(world, {reader, stranger});

  for (const auto& [named, unnamed] :
       {std::pair(answers[1], answers[2]), std::pair(later[0], later[1])}) {
    EXPECT_EQ(ReasonOf(named), "SOURCE_DOCUMENT_POSTED");
    EXPECT_EQ(ReasonOf(unnamed), "SOURCE_DOCUMENT_POSTED");
    EXPECT_TRUE(NamesItsMovement(named));
    EXPECT_FALSE(NamesItsMovement(unnamed));
  }
}

// Lets the tables refuse some requests, as they do a value that does not fit.
FakeStockStore::Options Refusing(std::vector<uint64_t> requests, absl::Status with) {
  return {.check_movement = [requests = std::move(requests),
                             with](const MovementRecord& record) -> absl::Status {
    for (const uint64_t request : requests) {
      if (record.request_id == RequestId(request)) return with;
    }
    return absl::OkStatus();
  }};
}

TEST(TurnRunnerTest, TakesATurnApartUntilTheOneIsFoundThatSpoilsIt) {
  LaneWorld world(Refusing({3, 6}, absl::OutOfRangeError("too long")));
  std::vector<PendingPosting> postings;
  for (uint64_t i = 1; i <= 8; ++i) postings.push_back(world.Prepare(AReceipt(1, i)));

  const auto answers = RunTurn(world, postings);

  for (size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(absl::IsOutOfRange(answers[i].status()), i == 2 || i == 5) << i;
  }
  EXPECT_EQ(world.OnHand(), 6);
}

TEST(TurnRunnerTest, TakesATurnApartNoFurtherThanItsBound) {
  std::vector<uint64_t> all;
  for (uint64_t i = 1; i <= 16; ++i) all.push_back(i);
  LaneWorld world(Refusing(all, absl::OutOfRangeError("too long")));
  std::vector<PendingPosting> postings;
  for (const uint64_t i : all) postings.push_back(world.Prepare(AReceipt(1, i)));

  const auto answers = RunTurn(world, postings, {.transaction_count_max = 6});

  EXPECT_GT(std::ranges::count(ReasonsOf(answers), "OVERLOADED"), 8);
  EXPECT_EQ(world.OnHand(), 0);
}

TEST(TurnRunnerTest, FailsAllAtOnceWhenItIsNobodysFault) {
  int attempt_count = 0;
  LaneWorld world({.check_movement = [&](const MovementRecord&) {
    ++attempt_count;
    return absl::UnavailableError("the link is gone");
  }});

  const auto answers =
      RunTurn(world, {world.Prepare(AReceipt(1, 1)), world.Prepare(AReceipt(1, 2))});

  EXPECT_TRUE(absl::IsUnavailable(answers[0].status()));
  EXPECT_TRUE(absl::IsUnavailable(answers[1].status()));
  EXPECT_EQ(attempt_count, 1);
}

}  // namespace
}  // namespace quartermaster::inventory
