#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "inventory-svc/domain/ledger_types.h"
#include "platform/rpc/parse.h"
#include "quartermaster/type/v1/quantity.pb.h"

// Fields that several interfaces of this service have in common. As in `platform/rpc/parse.h`, each
// function adds to `errors` what breaks its format.
namespace quartermaster::inventory {

// A unit of quantity: `[a-z][a-z0-9-]{0,31}`.
std::string ParseMeasure(absl::string_view field, const std::string& value,
                         rpc::FieldErrors& errors);

// A positive amount of some unit; an empty unit is the base unit.
Quantity ParseQuantity(absl::string_view path, const type::v1::Quantity& quantity,
                       rpc::FieldErrors& errors);

}  // namespace quartermaster::inventory
