// What every list says of a name that leads nowhere: that there is no such thing, to who may know
// it, and to anybody else what they are told of things that are there.

#include <functional>
#include <map>
#include <string>

#include "absl/strings/str_replace.h"
#include "quartermaster/inventory/v1/transfers.grpc.pb.h"
#include "tests/service/ledger_test.h"

namespace quartermaster::testing {
namespace {

class NamesTest : public LedgerTest {
 protected:
  // Asks about a unit in the name of a caller.
  using Ask = std::function<absl::Status(const std::string& unit, const std::string& caller)>;

  NamesTest() {
    for (const auto& [person, unit] : {std::pair(kClerk, "units/city"), {kEast, "units/east"}}) {
      server_->authenticator().Grant(person, unit, {"units.read", "transfers.read"});
    }
  }

  // Every method that asks about what is beneath a unit.
  std::map<std::string, Ask> Asks() {
    return {
        {"ListMovements", Of<v1::ListMovementsRequest>(&LedgerStub::ListMovements, SetUnit)},
        {"ListBalances", Of<v1::ListBalancesRequest>(&LedgerStub::ListBalances, SetUnit)},
        {"SummarizeStock", Of<v1::SummarizeStockRequest>(&LedgerStub::SummarizeStock, SetUnit)},
        {"ListTransfers",
         Of<v1::ListTransfersRequest>(&v1::Transfers::Stub::ListTransfers, SetUnit)},
        {"ListUnits", Of<v1::ListUnitsRequest>(
                          &v1::Units::Stub::ListUnits,
                          [](auto& request, const std::string& unit) { request.set_root(unit); })},
        {"ListLocations", Of<v1::ListLocationsRequest>(&v1::Units::Stub::ListLocations,
                                                       [](auto& request, const std::string& unit) {
                                                         request.set_parent(unit);
                                                       })}};
  }

  absl::Status ListBalances(const std::string& item, const std::string& lot,
                            const std::string& caller) {
    v1::ListBalancesRequest request;
    request.set_unit("units/east");
    request.set_item(item);
    request.set_lot(lot);
    return server_->Call(&LedgerStub::ListBalances, request, caller).status();
  }

 private:
  static constexpr auto SetUnit = [](auto& request, const std::string& unit) {
    request.set_unit(unit);
  };

  template <typename Request, typename Method, typename Set>
  Ask Of(Method method, Set set) {
    return [this, method, set](const std::string& unit, const std::string& caller) {
      Request request;
      set(request, unit);
      return server_->Call(method, request, caller).status();
    };
  }
};

// All that an error tells, payloads included, of whichever name. Those compared are equally long.
std::string Told(const absl::Status& status, const std::string& name) {
  return absl::StrReplaceAll(status.ToString(), {{name, "NAME"}});
}

TEST_F(NamesTest, WhoCoversTheRootIsToldThatThereIsNoSuchUnit) {
  for (const auto& [method, ask] : Asks()) {
    const absl::Status refused = ask("units/gone", kClerk);
    EXPECT_EQ(OutcomeOf(refused), "NOT_FOUND UNIT_NOT_FOUND") << method;
    EXPECT_EQ(Metadata(absl::StatusOr<int>(refused), "unit"), "units/gone") << method;
    // One that is there and has nothing is no error.
    EXPECT_EQ(OutcomeOf(ask("units/station", kClerk)), "OK") << method;
  }
}

TEST_F(NamesTest, AnybodyElseIsToldTheSameOfWhatIsThereAndWhatIsNot) {
  for (const auto& [method, ask] : Asks()) {
    const absl::Status there = ask("units/west", kEast);
    const absl::Status not_there = ask("units/gone", kEast);
    EXPECT_EQ(OutcomeOf(there), "PERMISSION_DENIED PERMISSION_DENIED") << method;
    EXPECT_EQ(Told(there, "units/west"), Told(not_there, "units/gone")) << method;
    EXPECT_EQ(OutcomeOf(ask("units/station", kEast)), "OK") << method;
  }
}

// A grant on a name does not make it a unit, nor a root of what is not there.
TEST_F(NamesTest, AGrantOnAUnitThatIsNotThereCoversNothing) {
  server_->authenticator().Grant("persons/early", "units/gone",
                                 {"ledger.read", "units.read", "transfers.read"});
  for (const auto& [method, ask] : Asks()) {
    EXPECT_EQ(OutcomeOf(ask("units/gone", "persons/early")), "PERMISSION_DENIED PERMISSION_DENIED")
        << method;
  }
}

TEST_F(NamesTest, ItemsAreNoSecret) {
  for (const char* caller : {kClerk, kEast}) {
    const absl::Status refused = ListBalances("items/ghost", "", caller);
    EXPECT_EQ(OutcomeOf(refused), "NOT_FOUND ITEM_NOT_FOUND");
    EXPECT_EQ(Metadata(absl::StatusOr<int>(refused), "item"), "items/ghost");
    EXPECT_EQ(OutcomeOf(ListBalances("items/vaccine", "", caller)), "OK");
    v1::ListMovementsRequest movements;
    movements.set_unit("units/east");
    movements.set_item("items/ghost");
    EXPECT_EQ(Outcome(server_->Call(&LedgerStub::ListMovements, movements, caller)),
              "NOT_FOUND ITEM_NOT_FOUND");
  }
}

TEST_F(NamesTest, ALotIsThereForWhoMayKnowOfIt) {
  constexpr char kForeign[] = "items/mask/lots/w1";
  ASSERT_EQ(Outcome(CreateLot(ACreateLot("items/mask", "w1", "units/west"))), "OK");

  const absl::Status there = ListBalances("", kForeign, kEast);
  const absl::Status not_there = ListBalances("", "items/mask/lots/g1", kEast);

  EXPECT_EQ(OutcomeOf(there), "NOT_FOUND LOT_NOT_FOUND");
  EXPECT_EQ(Told(there, kForeign), Told(not_there, "items/mask/lots/g1"));
  EXPECT_EQ(OutcomeOf(ListBalances("", kForeign, kClerk)), "OK");
  EXPECT_EQ(OutcomeOf(ListBalances("", "items/mask/lots/g1", kClerk)), "NOT_FOUND LOT_NOT_FOUND");
  EXPECT_EQ(OutcomeOf(ListBalances("", kMasks, kEast)), "OK");
  // What came to them they know of from then on.
  MustPost(AReceipt(1, kDepot, kForeign));
  EXPECT_EQ(OutcomeOf(ListBalances("", kForeign, kEast)), "OK");
}

}  // namespace
}  // namespace quartermaster::testing
