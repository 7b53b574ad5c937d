#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "inventory-svc/domain/ledger_types.h"
#include "inventory-svc/domain/unit_errors.h"

// Every refusal of the ledger, one function each; the text says what to do, the metadata holds
// every part of it. Lines are counted from 1, as callers count them.
// Those about places are in unit_errors.h, about items and quantities in catalog_errors.h.
namespace quartermaster::inventory {

absl::Status LotNotFound(absl::string_view lot);
absl::Status MovementNotFound(const base::Uuid& movement_id);
absl::Status LotExists(absl::string_view lot);
absl::Status ExpiryRequired(absl::string_view item);

// Goods may not move between these states for this reason.
absl::Status StateChangeNotAllowed(int line, Reason reason, State source, State destination);
// A flammable may not come to rest there.
absl::Status HazardStoreRequired(int line, absl::string_view item, absl::string_view location);
// The paper is in the books already; the movement is named to those alone who may read it.
absl::Status SourceDocumentPosted(const SourceDocument& document,
                                  const std::optional<base::Uuid>& movement_id);

absl::Status InsufficientStock(const Shortage& shortage);
// An account would hold more than 2^63-1.
absl::Status BalanceOverflow(int line, absl::string_view location);

absl::Status ReversalNotReversible(const base::Uuid& movement_id);
absl::Status OwnedByDocument(const base::Uuid& movement_id, const base::Uuid& transfer_id);
absl::Status AlreadyReversed(const base::Uuid& movement_id, const base::Uuid& reversal_id);

}  // namespace quartermaster::inventory
