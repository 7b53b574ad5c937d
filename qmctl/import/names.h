#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "quartermaster/inventory/v1/ledger.pb.h"

// Names as people type them, in a file or on the command line.
namespace quartermaster::qmctl {

namespace pb = quartermaster::inventory::v1;

// Tells whether `text` is an id that callers may choose: `[a-z]([a-z0-9-]{0,61}[a-z0-9])?`.
bool IsId(absl::string_view text);

// Reads `units/east-bureau` or `east-bureau`: (`units`, `east-bureau`) is `units/east-bureau`.
std::optional<std::string> ParseName(absl::string_view collection, absl::string_view text);

// Reads `units/{unit}/locations/{location}` or `{unit}/{location}`.
std::optional<std::string> ParsePlace(absl::string_view text);

// Reads `items/{item}/lots/{lot}` or `{item}/{lot}`.
std::optional<std::string> ParseLot(absl::string_view text);

// Reads `transfers/{uuid}` or the UUID alone, and the same of `movements`.
std::string AddCollection(absl::string_view collection, absl::string_view text);

// What a reason means for the two ends of a movement's lines. An unspecified state is not implied
// by the reason: goods are received from a supplier or a donor, and written off as lost or expired.
struct Ends {
  pb::MovementReason reason = pb::MOVEMENT_REASON_UNSPECIFIED;
  pb::AccountState source = pb::ACCOUNT_STATE_UNSPECIFIED;
  pb::AccountState destination = pb::ACCOUNT_STATE_UNSPECIFIED;
};

// Nothing for a reason that a document or a reversal posts.
std::optional<Ends> FindEnds(pb::MovementReason reason);

}  // namespace quartermaster::qmctl
