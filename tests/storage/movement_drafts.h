#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "inventory-svc/domain/stock_store.h"
#include "platform/base/sha256.h"
#include "platform/base/status_macros.h"
#include "tests/harness/ledger_world.h"

// Movements that no ledger decided, for tests of what keeps them.
namespace quartermaster::inventory {

inline absl::Time Soon() { return absl::Now() + absl::Seconds(30); }

inline BalanceKey HeldFor(uint8_t holder, State state, LotId lot = kMasksId) {
  BalanceKey key = KeyOf(kDepotId, state, lot);
  key.holder.bytes[0] = holder;
  return key;
}

// One movement of one line between two accounts of the depot, decided by nobody.
struct Draft {
  BalanceKey source = KeyOf(kDepotId, State::kSupplier);
  BalanceKey destination = KeyOf(kDepotId, State::kAvailable);
  int64_t amount = 5;
  uint64_t request = 1;
  std::string caller = "persons/clerk";
  std::optional<SourceDocument> paper = std::nullopt;
  std::optional<base::Uuid> reverses = std::nullopt;
  std::optional<base::Uuid> document = std::nullopt;
  std::string note = "";
};

inline TurnRecord MakeRecord(const Draft& draft, const base::Uuid& movement_id,
                             std::vector<Balance> balances) {
  const absl::Time record_time = absl::FromUnixMicros(absl::ToUnixMicros(absl::Now()));
  MovementRecord record{
      .movement = {.movement_id = movement_id,
                   .reason = draft.reverses.has_value() ? Reason::kReverse : Reason::kReceive,
                   .lines = {{.lot = kMasks,
                              .source = {.location = kDepot,
                                         .state = draft.source.state,
                                         .holder = draft.source.holder},
                              .destination = {.location = kDepot,
                                              .state = draft.destination.state,
                                              .holder = draft.destination.holder},
                              .quantity = {.amount = draft.amount, .unit = "piece"},
                              .base_quantity = draft.amount}},
                   .occurred_time = absl::FromUnixMicros(1'580'000'000'123'456),
                   .record_time = record_time,
                   .caller = draft.caller,
                   .source_document = draft.paper,
                   .note = draft.note,
                   .reverses = draft.reverses,
                   .document = draft.document},
      .request_id = RequestId(draft.request),
      .content_hash = base::Sha256(absl::StrCat("content of ", draft.request)),
      .lines = {{.source = draft.source,
                 .destination = draft.destination,
                 .base_quantity = draft.amount}},
      .method = CallBy().method,
      .trace_id = CallBy().trace.trace_id};
  for (Balance& balance : balances) {
    if (balance.key == draft.source) balance.quantity -= draft.amount;
    if (balance.key == draft.destination) balance.quantity += draft.amount;
    balance.last_record_time = record_time;
  }
  return {.movements = {std::move(record)}, .balances_after = std::move(balances)};
}

// The parts of `LockAndFind`, one at a time.
inline absl::StatusOr<std::vector<Balance>> LockBalances(StockBook& book,
                                                         const std::vector<BalanceKey>& keys) {
  QM_ASSIGN_OR_RETURN(Found found, book.LockAndFind({.balances = keys}));
  return std::move(found.balances);
}
inline absl::StatusOr<std::optional<EarlierRequest>> FindRequest(StockBook& book,
                                                                 const RequestKey& request) {
  QM_ASSIGN_OR_RETURN(Found found, book.LockAndFind({.requests = {request}}));
  if (found.requests.empty()) return std::optional<EarlierRequest>();
  return std::optional(std::move(found.requests.begin()->second));
}
inline absl::StatusOr<std::optional<base::Uuid>> FindPaper(StockBook& book,
                                                           const SourceDocument& paper) {
  QM_ASSIGN_OR_RETURN(Found found, book.LockAndFind({.papers = {paper}}));
  if (found.papers.empty()) return std::optional<base::Uuid>();
  return std::optional(found.papers.front().second);
}

// Locks and records, as the last part of a body.
inline absl::Status LockAndRecord(StockBook& book, const Draft& draft,
                                  const base::Uuid& movement_id) {
  QM_ASSIGN_OR_RETURN(std::vector<Balance> balances,
                      LockBalances(book, {draft.source, draft.destination}));
  return book.Record(MakeRecord(draft, movement_id, std::move(balances)));
}

inline absl::Status PostDraft(StockStore& store, const Draft& draft,
                              const base::Uuid& movement_id) {
  QM_RETURN_IF_ERROR(store.MakeBalances(Soon(), {draft.source, draft.destination}));
  return store.Atomically(Soon(),
                          [&](StockBook& book) { return LockAndRecord(book, draft, movement_id); });
}

// Reads what accounts hold, each of which must have been made.
inline std::vector<int64_t> Quantities(StockStore& store, const std::vector<BalanceKey>& keys) {
  std::vector<int64_t> quantities(keys.size());
  EXPECT_TRUE(store
                  .Atomically(Soon(),
                              [&](StockBook& book) -> absl::Status {
                                QM_ASSIGN_OR_RETURN(const std::vector<Balance> balances,
                                                    LockBalances(book, keys));
                                for (const Balance& balance : balances) {
                                  for (size_t i = 0; i < keys.size(); ++i) {
                                    if (balance.key == keys[i]) quantities[i] = balance.quantity;
                                  }
                                }
                                return absl::OkStatus();
                              })
                  .ok());
  return quantities;
}

inline const BalanceKey kSupplierKey = KeyOf(kDepotId, State::kSupplier);
inline const BalanceKey kAvailableKey = KeyOf(kDepotId, State::kAvailable);

}  // namespace quartermaster::inventory
