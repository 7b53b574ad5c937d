#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "inventory-svc/domain/as_of.h"
#include "inventory-svc/domain/ledger_types.h"
#include "inventory-svc/domain/title.h"
#include "platform/base/uuid.h"
#include "platform/rpc/parse.h"
#include "quartermaster/inventory/v1/ledger.pb.h"
#include "quartermaster/type/v1/as_of.pb.h"
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

// A past moment; what is not set stays unset.
AsOf ParseAsOf(const type::v1::AsOf& as_of, rpc::FieldErrors& errors);
void RenderMoment(const Moment& moment, type::v1::SealedMoment& out);

// Where the next page of a list that goes by ids begins, and which records all pages rest on.
std::string PositionBefore(const base::Uuid& id, const std::optional<Moment>& moment);
void ParsePosition(const std::string& position, base::Uuid& before,
                   std::optional<int64_t>& sequence);

Title ParseTitle(absl::string_view path, const type::v1::Title& title, rpc::FieldErrors& errors);
void RenderTitle(const Title& title, type::v1::Title& out);

// Reads the field `source_document`.
SourceDocument ParseSourceDocument(const v1::SourceDocument& document, rpc::FieldErrors& errors);
void RenderSourceDocument(const SourceDocument& document, v1::SourceDocument& out);

}  // namespace quartermaster::inventory
