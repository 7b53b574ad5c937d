#include "inventory-svc/domain/transfer_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "inventory-svc/domain/posting_rules.h"
#include "inventory-svc/domain/transfer_desk.h"
#include "platform/status/error.h"

namespace quartermaster::inventory {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
constexpr char kDepot[] = "units/east/locations/depot";
constexpr char kRoom[] = "units/west/locations/room";

// 100 masks, written as two boxes, and 7 gowns from the depot to the room.
Transfer ATransfer() {
  return {.transfer_id = *base::Uuid::Parse("00000000-0000-7000-8000-000000000001"),
          .source = kDepot,
          .destination = kRoom,
          .lines = {{.lot = "items/mask/lots/m1",
                     .quantity = {.amount = 2, .unit = "box"},
                     .base_quantity = 100},
                    {.lot = "items/gown/lots/g1", .quantity = {.amount = 7}, .base_quantity = 7}},
          .creator = "persons/a"};
}

// Renders lines as `lot amount from>to`, an account as `location STATE`, the transfer's as `ROAD`.
std::vector<std::string> Rendered(const std::vector<MovementLine>& lines) {
  const auto account = [](const Account& one) {
    const std::string place = one.location == kDepot ? "depot" : "room";
    if (one.holder.is_nil()) return absl::StrCat(place, " ", ToName(one.state));
    EXPECT_EQ(one.state, State::kInTransit);
    EXPECT_EQ(one.holder, ATransfer().transfer_id);
    return absl::StrCat(place, " ROAD");
  };
  std::vector<std::string> rendered;
  for (const MovementLine& line : lines) {
    rendered.push_back(absl::StrCat(line.lot.substr(line.lot.size() - 2), " ", line.base_quantity,
                                    " ", account(line.source), ">", account(line.destination)));
  }
  return rendered;
}

std::string Told(const absl::Status& status) {
  for (const auto& [key, value] : status::GetErrorDetail(status).metadata) {
    if (key == "told") return value;
  }
  return "";
}

TEST(DispatchLinesTest, SendEverythingOntoTheTransfersOwnRoad) {
  const std::vector<MovementLine> lines = DispatchLines(ATransfer());

  EXPECT_THAT(Rendered(lines),
              ElementsAre("m1 100 depot AVAILABLE>room ROAD", "g1 7 depot AVAILABLE>room ROAD"));
  // As it was written, beside what that was that day.
  EXPECT_EQ(lines[0].quantity, (Quantity{.amount = 2, .unit = "box"}));
}

TEST(ReceiveTest, WithoutLinesEverythingArrivedInGoodOrder) {
  Transfer transfer = ATransfer();

  ASSERT_TRUE(Receive({}, transfer).ok());

  EXPECT_EQ(transfer.lines[0].accepted, 100);
  EXPECT_EQ(transfer.lines[1].accepted, 7);
  EXPECT_FALSE(HasVariance(transfer));
  EXPECT_THAT(Rendered(ArrivalLines(transfer)),
              ElementsAre("m1 100 room ROAD>room AVAILABLE", "g1 7 room ROAD>room AVAILABLE"));
}

TEST(ReceiveTest, PutsEachPartWhereItBelongsWhateverTheOrder) {
  Transfer transfer = ATransfer();

  ASSERT_TRUE(Receive({{.line = 2, .damaged = 7},
                       {.line = 1, .accepted = 60, .damaged = 10, .short_quantity = 30}},
                      transfer)
                  .ok());

  EXPECT_TRUE(HasVariance(transfer));
  EXPECT_THAT(Rendered(ArrivalLines(transfer)),
              ElementsAre("m1 60 room ROAD>room AVAILABLE", "m1 10 room ROAD>room QUARANTINE",
                          "g1 7 room ROAD>room QUARANTINE"));
}

TEST(ReceiveTest, NothingArrivedMovesNothing) {
  Transfer transfer = ATransfer();

  ASSERT_TRUE(
      Receive({{.line = 1, .short_quantity = 100}, {.line = 2, .short_quantity = 7}}, transfer)
          .ok());

  EXPECT_THAT(ArrivalLines(transfer), IsEmpty());
  EXPECT_TRUE(HasVariance(transfer));
}

TEST(ReceiveTest, RefusesWhatDoesNotAddUp) {
  const struct {
    const char* name;
    std::vector<ReceiptLine> receipt;
    const char* told;
  } kRows[] = {
      {"one too few", {{.line = 1, .accepted = 99}, {.line = 2, .accepted = 7}}, "99"},
      {"one too many",
       {{.line = 1, .accepted = 99, .damaged = 1, .short_quantity = 1}, {.line = 2, .accepted = 7}},
       "101"},
      {"a line missing", {{.line = 1, .accepted = 100}}, "0"},
      {"a line that there is not",
       {{.line = 1, .accepted = 100}, {.line = 2, .accepted = 7}, {.line = 3}},
       "a line that there is not"},
      {"more than can be counted",
       {{.line = 1, .accepted = kMost, .damaged = 1}, {.line = 2, .accepted = 7}},
       "more than can be counted"},
      {"a sum that wraps around",
       {{.line = 1, .accepted = kMost, .damaged = kMost, .short_quantity = 102},
        {.line = 2, .accepted = 7}},
       "more than can be counted"},
  };
  for (const auto& row : kRows) {
    Transfer transfer = ATransfer();

    const absl::Status refused = Receive(row.receipt, transfer);

    EXPECT_EQ(status::GetReason(refused), "RECEIPT_LINE_MISMATCH") << row.name;
    EXPECT_EQ(Told(refused), row.told) << row.name;
  }
}

// 30 masks and no gown are short.
Transfer AShortTransfer() {
  Transfer transfer = ATransfer();
  EXPECT_TRUE(
      Receive({{.line = 1, .accepted = 70, .short_quantity = 30}, {.line = 2, .accepted = 7}},
              transfer)
          .ok());
  return transfer;
}

TEST(VarianceLinesTest, ClearTheRoadOfWhatWasShort) {
  const auto lines =
      VarianceLines({{.line = 1, .found = 5, .returned = 15, .lost = 10}}, AShortTransfer());

  ASSERT_TRUE(lines.ok()) << lines.status();
  EXPECT_THAT(Rendered(*lines),
              ElementsAre("m1 5 room ROAD>room AVAILABLE", "m1 15 room ROAD>depot AVAILABLE",
                          "m1 10 room ROAD>room LOST"));
}

TEST(VarianceLinesTest, RefuseWhatDoesNotAddUp) {
  const struct {
    const char* name;
    std::vector<VarianceLine> variance;
  } kRows[] = {
      {"nothing told", {}},
      {"one too few", {{.line = 1, .lost = 29}}},
      {"one too many", {{.line = 1, .found = 1, .lost = 30}}},
      {"of a line that was whole", {{.line = 1, .lost = 30}, {.line = 2, .lost = 1}}},
      {"a line that there is not", {{.line = 1, .lost = 30}, {.line = 3}}},
      {"a sum that wraps around", {{.line = 1, .found = kMost, .returned = kMost, .lost = 32}}},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(status::GetReason(VarianceLines(row.variance, AShortTransfer()).status()),
              "RECEIPT_LINE_MISMATCH")
        << row.name;
  }
}

TEST(TransferTableTest, ActorsAndPlacesAreThoseOfTheTransfer) {
  Transfer transfer = ATransfer();
  transfer.dispatcher = "persons/b";

  EXPECT_THAT(ActorsOf(transfer), ElementsAre(Pair(TransferActor::kCreator, "persons/a"),
                                              Pair(TransferActor::kDispatcher, "persons/b"),
                                              Pair(TransferActor::kReceiver, "")));
  EXPECT_THAT(PlacesOf(transfer), ElementsAre(Pair(TransferPlace::kSource, "units/east"),
                                              Pair(TransferPlace::kDestination, "units/west")));
}

TEST(TransferTableTest, WhoSendsDoesNotSignAndNeitherSettlesWhatWasShort) {
  Transfer transfer = ATransfer();
  transfer.dispatcher = "persons/b";
  transfer.receiver = "persons/c";
  const auto reason = [&](TransferState state, TransferVerb verb, const char* caller) {
    return status::GetReason(
        kTransferTable.CheckFourEyes("transfers/x", state, verb, caller, ActorsOf(transfer)));
  };

  EXPECT_EQ(reason(TransferState::kOnTheWay, TransferVerb::kConfirmReceipt, "persons/b"),
            "FOUR_EYES_REQUIRED");
  EXPECT_EQ(reason(TransferState::kOnTheWay, TransferVerb::kConfirmReceipt, "persons/a"), "");
  for (const char* caller : {"persons/b", "persons/c"}) {
    EXPECT_EQ(reason(TransferState::kPartiallyReceived, TransferVerb::kResolveVariance, caller),
              "FOUR_EYES_REQUIRED");
  }
  EXPECT_EQ(reason(TransferState::kPartiallyReceived, TransferVerb::kResolveVariance, "persons/a"),
            "");
}

TEST(CheckOccurredTimeTest, AllowsTheClocksToDifferByFiveMinutes) {
  const absl::Time now = absl::FromUnixSeconds(1'580'000'000);

  EXPECT_TRUE(CheckOccurredTime(std::nullopt, now).ok());
  EXPECT_TRUE(CheckOccurredTime(absl::UnixEpoch(), now).ok());
  EXPECT_TRUE(CheckOccurredTime(now + kClockTolerance, now).ok());
  EXPECT_EQ(
      status::GetReason(CheckOccurredTime(now + kClockTolerance + absl::Microseconds(1), now)),
      "INVALID_FIELD");
}

// The forms as they were before papers and times came.
struct FirstCreateCommand {
  std::string source;
  std::string destination;
  std::vector<TransferLine> lines;
};
template <typename V>
void VisitFields(V& visit, FirstCreateCommand& command) {
  visit(command.source, command.destination, command.lines);
}
struct FirstStepCommand {
  base::Uuid transfer_id;
  std::string etag;
  std::string waybill;
};
template <typename V>
void VisitFields(V& visit, FirstStepCommand& command) {
  visit(command.transfer_id, command.etag, command.waybill);
}
struct FirstTransfer {
  Transfer transfer;
};
template <typename V>
void VisitFields(V& visit, FirstTransfer& first) {
  Transfer& transfer = first.transfer;
  visit(transfer.transfer_id, transfer.source, transfer.destination, transfer.lines, transfer.state,
        transfer.waybill, transfer.creator, transfer.dispatcher, transfer.receiver,
        transfer.movements, transfer.create_time, transfer.update_time);
}

// Goal: a request that was made before an upgrade, and is repeated after it, is known again.
TEST(TransferFormsTest, RequestsWithoutPapersHaveTheContentTheyHad) {
  const Transfer transfer = ATransfer();

  EXPECT_EQ(
      canonical::Hash("create-transfer.1",
                      CreateTransferCommand{.source = transfer.source,
                                            .destination = transfer.destination,
                                            .lines = transfer.lines}),
      canonical::Hash("create-transfer.1", FirstCreateCommand{.source = transfer.source,
                                                              .destination = transfer.destination,
                                                              .lines = transfer.lines}));
  EXPECT_EQ(
      canonical::Hash("dispatch-transfer.1",
                      DispatchTransferCommand{
                          .transfer_id = transfer.transfer_id, .etag = "v1", .waybill = "SF-1"}),
      canonical::Hash(
          "dispatch-transfer.1",
          FirstStepCommand{.transfer_id = transfer.transfer_id, .etag = "v1", .waybill = "SF-1"}));
}

// Goal: replicas of two versions serve one database while they are exchanged.
TEST(TransferFormsTest, TransfersWithoutPapersAreReadByBothVersions) {
  Transfer transfer = ATransfer();
  const std::string before = canonical::Encode(Transfer::kForm, FirstTransfer{transfer});

  EXPECT_EQ(canonical::Encode(Transfer::kForm, transfer), before);
  EXPECT_TRUE(canonical::Decode<Transfer>(Transfer::kForm, before).ok());
  transfer.source_document = {.issuer = "desk", .number = "7", .line = 1};
  const auto read =
      canonical::Decode<Transfer>(Transfer::kForm, canonical::Encode(Transfer::kForm, transfer));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->source_document, transfer.source_document);
  EXPECT_FALSE(read->occurred_time.has_value());
}

}  // namespace
}  // namespace quartermaster::inventory
