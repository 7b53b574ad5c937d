#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/timestamp.pb.h"
#include "quartermaster/inventory/v1/ledger.pb.h"
#include "quartermaster/type/v1/quantity.pb.h"

// What people type as one word of a command line.
namespace quartermaster::qmctl {

// How much of which lot.
struct LotAmount {
  // `items/{item}/lots/{lot}`.
  std::string lot;
  type::v1::Quantity quantity;
};

// Reads `200` or `30:pair`.
absl::StatusOr<type::v1::Quantity> ParseQuantity(absl::string_view word);

// Reads `mask/supplier-1=200` or `gloves/supplier-2=30:pair`.
absl::StatusOr<LotAmount> ParseLotAmount(absl::string_view word);

// What became of one line of a transfer.
struct LineAmounts {
  int line = 0;
  std::map<std::string, int64_t> amounts;
};

// Reads `2:accepted=90,short=10`. `names` are the amounts that may be told.
absl::StatusOr<LineAmounts> ParseLineAmounts(absl::string_view word,
                                             const std::vector<std::string>& names);

// Reads a paper written `ISSUER/NUMBER` or `ISSUER/NUMBER/LINE`.
absl::StatusOr<inventory::v1::SourceDocument> ParsePaper(absl::string_view word);

// Reads when something happened, as `2020-01-29T12:00:00+08:00`.
absl::StatusOr<google::protobuf::Timestamp> ParseOccurredTime(absl::string_view word);

// Renders a time as people read it, in the zone of this machine; empty for none.
std::string RenderTime(const google::protobuf::Timestamp& time);

// Cuts the collection off: `units/east-bureau` is `east-bureau`, and what stands for a place or a
// lot is `east-bureau/store`, `mask/supplier-1`.
std::string Shorten(absl::string_view name);

}  // namespace quartermaster::qmctl
