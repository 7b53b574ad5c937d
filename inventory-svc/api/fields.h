#pragma once

#include <string>

#include "absl/strings/str_cat.h"
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

// A day from 1900 to 9998, `YYYY-MM-DD`, or nothing.
std::string ParseOptionalDate(absl::string_view field, const std::string& value,
                              rpc::FieldErrors& errors);

// A resource name of the form of `pattern`, returned as it is.
std::string ParseResourceName(absl::string_view field, absl::string_view pattern,
                              const std::string& value, rpc::FieldErrors& errors);

// A name of the form `{collection}/{uuid}`.
base::Uuid ParseUuidName(absl::string_view field, absl::string_view collection,
                         const std::string& value, rpc::FieldErrors& errors);

// A past moment; what is not set stays unset.
AsOf ParseAsOf(const type::v1::AsOf& as_of, rpc::FieldErrors& errors);
void RenderMoment(const Moment& moment, type::v1::SealedMoment& out);

// Where the next page of a list that goes by ids begins, and which records all pages rest on.
std::string PositionBefore(const base::Uuid& id, const std::optional<Moment>& moment);
void ParsePosition(const std::string& position, base::Uuid& before,
                   std::optional<int64_t>& sequence);

Title ParseTitle(absl::string_view path, const type::v1::Title& title, rpc::FieldErrors& errors);
void RenderTitle(const Title& title, type::v1::Title& out);

// A value of an enum whose numbers the domain shares; 0 is refused. `is_known` is the generated
// `_IsValid`.
template <typename Domain, typename Proto>
Domain ParseEnumValue(absl::string_view field, Proto value, bool (*is_known)(int),
                      rpc::FieldErrors& errors) {
  if (!is_known(value) || static_cast<int>(value) == 0) {
    errors.Add(field, absl::StrCat(static_cast<int>(value), " is not a value that is known here"));
  }
  return static_cast<Domain>(value);
}
// The same, with a value for who leaves it unspecified.
template <typename Domain, typename Proto>
Domain ParseEnumValue(absl::string_view field, Proto value, bool (*is_known)(int),
                      Domain when_unspecified, rpc::FieldErrors& errors) {
  if (static_cast<int>(value) == 0) return when_unspecified;
  return ParseEnumValue<Domain>(field, value, is_known, errors);
}

// Reads the field `source_document`.
SourceDocument ParseSourceDocument(const v1::SourceDocument& document, rpc::FieldErrors& errors);
void RenderSourceDocument(const SourceDocument& document, v1::SourceDocument& out);

}  // namespace quartermaster::inventory
