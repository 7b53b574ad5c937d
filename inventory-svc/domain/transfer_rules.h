#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "inventory-svc/domain/transfer.h"

// What a transfer's steps do, decided from values alone.
namespace quartermaster::inventory {

// NOT_FOUND, `TRANSFER_NOT_FOUND`.
absl::Status TransferNotFound(const base::Uuid& transfer_id);

// ALREADY_EXISTS, `SOURCE_DOCUMENT_POSTED`; names the transfer that has the paper if it is given.
absl::Status TransferPaperTaken(const SourceDocument& paper,
                                const std::optional<base::Uuid>& transfer_id);

// Checks that a step was not taken in the future. INVALID_ARGUMENT.
absl::Status CheckOccurredTime(const std::optional<absl::Time>& occurred_time, absl::Time now);

// The account that holds what is on the road: the transfer's own, at the destination.
Account OnTheRoad(const Transfer& transfer);

// The lines that send everything off.
std::vector<MovementLine> DispatchLines(const Transfer& transfer);

// Writes what arrived into the lines; none given means that all of every line arrived in good
// order. Fails with `RECEIPT_LINE_MISMATCH` if a line is missing, does not add up
// or is none of the transfer's.
absl::Status Receive(const std::vector<ReceiptLine>& receipt, Transfer& transfer);

// The lines that put what arrived where it belongs; empty if nothing did.
std::vector<MovementLine> ArrivalLines(const Transfer& transfer);

// Whether something is still on the road after the receipt.
bool HasVariance(const Transfer& transfer);

// The lines that clear the transfer's account of what was short. Fails with `RECEIPT_LINE_MISMATCH`
// if a line that was short is missing, or one does not add up or is none of the transfer's.
absl::StatusOr<std::vector<MovementLine>> VarianceLines(const std::vector<VarianceLine>& variance,
                                                        const Transfer& transfer);

// Who took which step so far.
std::vector<std::pair<TransferActor, std::string>> ActorsOf(const Transfer& transfer);
// The unit at each end.
std::vector<std::pair<TransferPlace, std::string>> PlacesOf(const Transfer& transfer);

}  // namespace quartermaster::inventory
