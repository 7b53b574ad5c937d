#pragma once

#include <string>
#include <vector>

#include "quartermaster/inventory/v1/transfers.grpc.pb.h"
#include "tests/service/ledger_test.h"

namespace quartermaster::testing {

// May do everything with transfers, everywhere.
inline constexpr char kOfficer[] = "persons/officer";
inline constexpr char kOther[] = "persons/other-officer";
inline constexpr char kThird[] = "persons/third-officer";
// Sends from the east; signs in the west.
inline constexpr char kSender[] = "persons/sender";
inline constexpr char kSigner[] = "persons/signer";
// May do everything with transfers, at neither end.
inline constexpr char kBystander[] = "persons/bystander";

inline const std::vector<std::string> kAll = {"transfers.create",   "transfers.read",
                                              "transfers.dispatch", "transfers.receive",
                                              "transfers.resolve",  "units.read"};

using TransfersStub = v1::Transfers::Stub;

// Tests of transfers: the world of `LedgerTest`, with 1000 masks at the depot.
class TransfersTest : public LedgerTest {
 protected:
  TransfersTest() {
    FakeAuthenticator& people = server_->authenticator();
    for (const char* name : {kOfficer, kOther, kThird}) people.Grant(name, "units/city", kAll);
    people.Grant(kSender, "units/east", kAll);
    people.Grant(kSender, "units/west", {"units.read"});
    people.Grant(kSigner, "units/west", kAll);
    MakeUnit("aside", "units/city");
    people.Grant(kBystander, "units/aside", kAll);
    MustPost(AReceipt(1000));
  }

  static v1::CreateTransferRequest ADraft(int64_t amount, const std::string& unit = "",
                                          const std::string& lot = kMasks) {
    v1::CreateTransferRequest request;
    request.set_source(kDepot);
    request.set_destination(kRoom);
    v1::TransferLine& line = *request.add_lines();
    line.set_lot(lot);
    line.mutable_quantity()->set_amount(amount);
    line.mutable_quantity()->set_unit(unit);
    request.set_request_id(NewRequestId());
    return request;
  }
  template <typename Request>
  static Request AStep(const v1::Transfer& transfer) {
    Request request;
    request.set_name(transfer.name());
    request.set_etag(transfer.etag());
    request.set_request_id(NewRequestId());
    return request;
  }
  static v1::ConfirmTransferReceiptRequest AReceiptOf(const v1::Transfer& transfer,
                                                      int64_t accepted, int64_t damaged,
                                                      int64_t missing) {
    auto request = AStep<v1::ConfirmTransferReceiptRequest>(transfer);
    v1::ReceiptLine& line = *request.add_lines();
    line.set_line(1);
    line.set_accepted(accepted);
    line.set_damaged(damaged);
    line.set_short_(missing);
    return request;
  }
  static v1::ResolveTransferVarianceRequest AResolution(const v1::Transfer& transfer, int64_t found,
                                                        int64_t returned, int64_t lost) {
    auto request = AStep<v1::ResolveTransferVarianceRequest>(transfer);
    v1::VarianceLine& line = *request.add_lines();
    line.set_line(1);
    line.set_found(found);
    line.set_returned(returned);
    line.set_lost(lost);
    request.set_note("少了几箱");
    return request;
  }

  absl::StatusOr<v1::Transfer> Create(const v1::CreateTransferRequest& request,
                                      const std::string& caller = kOfficer) {
    return server_->Call(&TransfersStub::CreateTransfer, request, caller);
  }
  absl::StatusOr<v1::Transfer> Dispatch(const v1::DispatchTransferRequest& request,
                                        const std::string& caller = kOfficer) {
    return server_->Call(&TransfersStub::DispatchTransfer, request, caller);
  }
  absl::StatusOr<v1::Transfer> Confirm(const v1::ConfirmTransferReceiptRequest& request,
                                       const std::string& caller = kOther) {
    return server_->Call(&TransfersStub::ConfirmTransferReceipt, request, caller);
  }
  absl::StatusOr<v1::Transfer> Resolve(const v1::ResolveTransferVarianceRequest& request,
                                       const std::string& caller = kThird) {
    return server_->Call(&TransfersStub::ResolveTransferVariance, request, caller);
  }
  absl::StatusOr<v1::Transfer> Cancel(const v1::CancelTransferRequest& request,
                                      const std::string& caller = kOfficer) {
    return server_->Call(&TransfersStub::CancelTransfer, request, caller);
  }
  absl::StatusOr<v1::Transfer> Get(const std::string& name, const std::string& caller = kOfficer) {
    v1::GetTransferRequest request;
    request.set_name(name);
    return server_->Call(&TransfersStub::GetTransfer, request, caller);
  }
  std::vector<std::string> List(const std::string& unit, const std::string& caller,
                                bool is_waiting = false) {
    v1::ListTransfersRequest request;
    request.set_unit(unit);
    request.set_waiting_for_me(is_waiting);
    const auto page = server_->Call(&TransfersStub::ListTransfers, request, caller);
    EXPECT_TRUE(page.ok()) << page.status();
    std::vector<std::string> names;
    if (page.ok()) {
      for (const v1::Transfer& transfer : page->transfers()) names.push_back(transfer.name());
    }
    return names;
  }

  // From now on masks may only rest in a store for flammables.
  void MakeMasksBurn() {
    v1::GetItemRequest get;
    get.set_name("items/mask");
    v1::UpdateItemRequest update;
    *update.mutable_item() =
        server_->Call(&v1::Catalog::Stub::GetItem, get, kAdmin).value_or(v1::Item());
    update.mutable_item()->set_hazard(v1::FLAMMABLE);
    update.set_request_id(NewRequestId());
    EXPECT_EQ(Outcome(server_->Call(&v1::Catalog::Stub::UpdateItem, update, kAdmin)), "OK");
  }

  // Makes what must succeed.
  v1::Transfer Draft(int64_t amount, const std::string& unit = "",
                     const std::string& lot = kMasks) {
    const auto made = Create(ADraft(amount, unit, lot));
    EXPECT_TRUE(made.ok()) << made.status();
    return made.value_or(v1::Transfer());
  }
  v1::Transfer OnTheWay(int64_t amount) {
    const auto sent = Dispatch(AStep<v1::DispatchTransferRequest>(Draft(amount)));
    EXPECT_TRUE(sent.ok()) << sent.status();
    return sent.value_or(v1::Transfer());
  }
  v1::Transfer Short(int64_t amount, int64_t missing) {
    const auto got = Confirm(AReceiptOf(OnTheWay(amount), amount - missing, 0, missing));
    EXPECT_TRUE(got.ok()) << got.status();
    return got.value_or(v1::Transfer());
  }
};

}  // namespace quartermaster::testing
