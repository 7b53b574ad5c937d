#pragma once

#include <string>
#include <vector>

#include "quartermaster/inventory/v1/ledger.grpc.pb.h"
#include "tests/harness/invariants.h"
#include "tests/service/service_test.h"

namespace quartermaster::testing {

// Who may do everything with the books of the whole tree.
inline constexpr char kClerk[] = "persons/clerk";
// Who may read, post and reverse in one unit alone.
inline constexpr char kEast[] = "persons/east";
inline constexpr char kWest[] = "persons/west";
// Who is known and may do nothing with the books.
inline constexpr char kStranger[] = "persons/stranger";

inline constexpr char kDepot[] = "units/east/locations/depot";
inline constexpr char kShelf[] = "units/east/locations/shelf";
inline constexpr char kCabinet[] = "units/east/locations/cabinet";  // for flammables
inline constexpr char kRoom[] = "units/west/locations/room";

// Masks are counted in pieces, fifty to a box. Alcohol is kept in grams and burns. Vaccine expires.
inline constexpr char kMasks[] = "items/mask/lots/m1";
inline constexpr char kOtherMasks[] = "items/mask/lots/m2";
inline constexpr char kAlcohol[] = "items/alcohol/lots/a1";
inline constexpr char kUnusedUuid[] = "ffffffff-ffff-4fff-8fff-ffffffffffff";

using LedgerStub = v1::Ledger::Stub;

// A line at one place unless `destination` names another.
inline v1::MovementLine ALine(const std::string& lot, const std::string& location,
                              v1::AccountState from, v1::AccountState to, int64_t amount,
                              const std::string& destination = "") {
  v1::MovementLine line;
  line.set_lot(lot);
  line.mutable_source()->set_location(location);
  line.mutable_source()->set_state(from);
  line.mutable_destination()->set_location(destination.empty() ? location : destination);
  line.mutable_destination()->set_state(to);
  line.mutable_quantity()->set_amount(amount);
  return line;
}

inline v1::PostMovementRequest APosting(v1::MovementReason reason,
                                        const std::vector<v1::MovementLine>& lines) {
  v1::PostMovementRequest request;
  request.set_reason(reason);
  for (const v1::MovementLine& line : lines) *request.add_lines() = line;
  request.set_request_id(NewRequestId());
  return request;
}

// Masks come to the depot unless said otherwise.
inline v1::PostMovementRequest AReceipt(int64_t amount, const std::string& location = kDepot,
                                        const std::string& lot = kMasks) {
  return APosting(v1::RECEIVE, {ALine(lot, location, v1::SUPPLIER, v1::AVAILABLE, amount)});
}

inline v1::PostMovementRequest AConsumption(int64_t amount, const std::string& location = kDepot,
                                            const std::string& lot = kMasks) {
  return APosting(v1::CONSUME, {ALine(lot, location, v1::AVAILABLE, v1::CONSUMED, amount)});
}

inline v1::PostMovementRequest WithPaper(v1::PostMovementRequest request,
                                         const std::string& number) {
  request.mutable_source_document()->set_issuer("warehouse-9");
  request.mutable_source_document()->set_number(number);
  return request;
}

inline v1::ReverseMovementRequest AReversal(const std::string& movement) {
  v1::ReverseMovementRequest request;
  request.set_name(movement);
  request.set_note("记错了");
  request.set_request_id(NewRequestId());
  return request;
}

inline v1::CreateLotRequest ACreateLot(const std::string& item, const std::string& id,
                                       const std::string& owner = "units/east",
                                       const std::string& expiry_date = "") {
  v1::CreateLotRequest request;
  request.set_parent(item);
  request.set_lot_id(id);
  request.mutable_lot()->set_origin(v1::Lot::SUPPLIER);
  request.mutable_lot()->set_owner(owner);
  request.mutable_lot()->set_expiry_date(expiry_date);
  request.set_request_id(NewRequestId());
  return request;
}

// Tests of the ledger: the tree of `ServiceTest`, three items, four places and three lots of east.
// After each test the books must hold.
class LedgerTest : public ServiceTest {
 protected:
  LedgerTest() {
    FakeAuthenticator& people = server_->authenticator();
    people.Grant(kClerk, "units/city",
                 {"ledger.read", "ledger.post", "ledger.reverse", "ledger.prove", "ledger.correct",
                  "ledger.dispose", "ledger.open"});
    people.Grant(kEast, "units/east", {"ledger.read", "ledger.post", "ledger.reverse"});
    people.Grant(kWest, "units/west", {"ledger.read", "ledger.post", "ledger.reverse"});
    people.Grant(kStranger, "units/city", {"units.read"});
    MakeTree();
    MakeLocation("units/east", "depot");
    MakeLocation("units/east", "shelf");
    MakeLocation("units/west", "room");
    MakeCabinet();
    MakeItems();
    for (const v1::CreateLotRequest& lot :
         {ACreateLot("items/mask", "m1"), ACreateLot("items/mask", "m2"),
          ACreateLot("items/alcohol", "a1")}) {
      EXPECT_EQ(Outcome(CreateLot(lot)), "OK");
    }
  }

  void TearDown() override {
    EXPECT_THAT(FindBookViolations(database_.pool()), ::testing::IsEmpty());
  }

  absl::StatusOr<v1::Movement> Post(const v1::PostMovementRequest& request,
                                    const std::string& caller = kClerk) {
    return server_->Call(&LedgerStub::PostMovement, request, caller);
  }
  absl::StatusOr<v1::Movement> Reverse(const v1::ReverseMovementRequest& request,
                                       const std::string& caller = kClerk) {
    return server_->Call(&LedgerStub::ReverseMovement, request, caller);
  }
  absl::StatusOr<v1::Lot> CreateLot(const v1::CreateLotRequest& request,
                                    const std::string& caller = kClerk) {
    return server_->Call(&LedgerStub::CreateLot, request, caller);
  }
  absl::StatusOr<v1::Movement> GetMovement(const std::string& name,
                                           const std::string& caller = kClerk) {
    v1::GetMovementRequest request;
    request.set_name(name);
    return server_->Call(&LedgerStub::GetMovement, request, caller);
  }

  // Posts what must succeed, and returns its name.
  std::string MustPost(const v1::PostMovementRequest& request, const std::string& caller = kClerk) {
    const auto posted = Post(request, caller);
    EXPECT_TRUE(posted.ok()) << posted.status();
    return posted.ok() ? posted->name() : "";
  }

  // Returns what an account holds, by the API.
  int64_t Holds(const std::string& location, v1::AccountState state,
                const std::string& lot = kMasks) {
    v1::ListBalancesRequest request;
    request.set_unit("units/city");
    request.set_lot(lot);
    request.set_state(state);
    const auto listed = server_->Call(&LedgerStub::ListBalances, request, kClerk);
    EXPECT_TRUE(listed.ok()) << listed.status();
    if (!listed.ok()) return -1;
    for (const v1::Balance& balance : listed->balances()) {
      if (balance.account().location() == location) return balance.base_quantity();
    }
    return 0;
  }

 private:
  void MakeCabinet() {
    v1::CreateLocationRequest request = ACreateLocation("units/east", "cabinet");
    request.mutable_location()->set_kind(v1::FLAMMABLES_STORE);
    EXPECT_EQ(Outcome(server_->Call(&v1::Units::Stub::CreateLocation, request, kAdmin)), "OK");
  }

  void MakeItems() {
    v1::CreateItemRequest mask = ACreateItem("mask");
    mask.mutable_item()->add_units()->set_unit("box");
    mask.mutable_item()->mutable_units(0)->set_numerator(50);
    v1::CreateItemRequest alcohol = ACreateItem("alcohol");
    alcohol.mutable_item()->set_base_unit("gram");
    alcohol.mutable_item()->set_hazard(v1::FLAMMABLE);
    alcohol.mutable_item()->add_units()->set_unit("litre");
    alcohol.mutable_item()->mutable_units(0)->set_numerator(800);
    v1::CreateItemRequest vaccine = ACreateItem("vaccine");
    vaccine.mutable_item()->set_is_expiring(true);
    for (const v1::CreateItemRequest& request : {mask, alcohol, vaccine}) {
      EXPECT_EQ(Outcome(server_->Call(&v1::Catalog::Stub::CreateItem, request, kAdmin)), "OK");
    }
  }
};

}  // namespace quartermaster::testing
