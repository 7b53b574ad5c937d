#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "inventory-svc/domain/stock_ledger.h"
#include "inventory-svc/domain/stock_store.h"
#include "tests/harness/ledger_world.h"

namespace quartermaster::inventory {

// A store that is held to the contract, with empty books and the lots of `LedgerWorld`.
class StoreUnderTest {
 public:
  virtual ~StoreUnderTest() = default;
  virtual StockStore& store() = 0;
  // Tells whether some transaction waits for a lock.
  virtual bool IsAnyoneWaiting() = 0;
  // Transactions that were run again since the start.
  virtual int64_t rerun_count() = 0;
  // Makes a transfer that is on its way, for goods to be held for.
  virtual void MakeTransfer(const base::Uuid& transfer_id) = 0;
  // Enters a request that wrote some document.
  virtual void MakeDocumentRequest(const RequestKey& request) = 0;
  // What the books break; called after every test.
  virtual std::vector<std::string> Violations() = 0;
};

// What `StockStore` promises, clause by clause. Each store is put through it by
//
//   INSTANTIATE_TEST_SUITE_P(Fake, StockStoreContract, ::testing::Values(&MakeFakeUnderTest));
//
// in a program that lists store_contract.cc and store_contract_races.cc among its sources.
class StockStoreContract
    : public ::testing::TestWithParam<std::function<std::unique_ptr<StoreUnderTest>()>> {
 protected:
  StockStoreContract();
  void TearDown() override;

  StockStore& store() { return under_test_->store(); }

  std::unique_ptr<StoreUnderTest> under_test_;
  base::SystemClock clock_;
  base::UuidSource uuids_{clock_};
  LedgerWorld world_;
  StockLedger ledger_;
};

}  // namespace quartermaster::inventory
