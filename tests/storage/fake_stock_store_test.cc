// Holds the books in memory to the contract that the tables are held to, so that tests may use
// them.

#include "tests/harness/fake_stock_store.h"

#include "tests/storage/store_contract.h"

namespace quartermaster::inventory {
namespace {

class FakeUnderTest final : public StoreUnderTest {
 public:
  StockStore& store() override { return store_; }
  bool IsAnyoneWaiting() override { return store_.waiting_count() > 0; }
  int64_t rerun_count() override { return store_.rerun_count(); }
  void MakeDocumentRequest(const RequestKey& request) override {
    store_.AddDocumentRequest(request);
  }
  void MakeTransfer(const base::Uuid& /*transfer_id*/) override {}
  std::vector<std::string> Violations() override { return FindViolations(store_.books()); }

 private:
  FakeStockStore store_{LedgerWorld().lots(), {}};
};

std::unique_ptr<StoreUnderTest> MakeFake() { return std::make_unique<FakeUnderTest>(); }

INSTANTIATE_TEST_SUITE_P(Fake, StockStoreContract, ::testing::Values(&MakeFake));

}  // namespace
}  // namespace quartermaster::inventory
