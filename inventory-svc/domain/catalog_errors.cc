#include "inventory-svc/domain/catalog_errors.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "platform/status/error.h"

namespace quartermaster::inventory {

using absl::StatusCode;

absl::Status ItemNotFound(absl::string_view item) {
  return status::MakeError(StatusCode::kNotFound, absl::StrCat("there is no ", item),
                           {.reason = "ITEM_NOT_FOUND", .metadata = {{"item", std::string(item)}}});
}

absl::Status ItemExists(absl::string_view item) {
  return status::MakeError(
      StatusCode::kAlreadyExists,
      absl::StrCat("there is already an item of the name ", item, "; choose another id"),
      {.reason = "ITEM_EXISTS", .metadata = {{"item", std::string(item)}}});
}

absl::Status ConversionNotExact(absl::string_view item, const ItemUnit& unit) {
  return status::MakeError(
      StatusCode::kFailedPrecondition,
      absl::StrCat("one ", unit.unit, " of ", item, " is ", unit.numerator, "/", unit.denominator,
                   " base units, which is not a whole number; choose a smaller base unit"),
      {.reason = "CONVERSION_NOT_EXACT",
       .metadata = {{"item", std::string(item)},
                    {"unit", unit.unit},
                    {"numerator", absl::StrCat(unit.numerator)},
                    {"denominator", absl::StrCat(unit.denominator)}}});
}

absl::Status ItemFactFixed(absl::string_view item, absl::string_view fact) {
  return status::MakeError(
      StatusCode::kFailedPrecondition,
      absl::StrCat(fact, " of ", item,
                   " cannot change, postings rest on it; create another item instead"),
      {.reason = "ITEM_FACT_FIXED",
       .metadata = {{"item", std::string(item)}, {"fact", std::string(fact)}}});
}

absl::Status UnitOfMeasureUnknown(absl::string_view item, absl::string_view unit) {
  return status::MakeError(
      StatusCode::kFailedPrecondition,
      absl::StrCat(item, " is not counted in ", unit,
                   "; use one of the units and packs that it declares"),
      {.reason = "UNIT_OF_MEASURE_UNKNOWN",
       .metadata = {{"item", std::string(item)}, {"unit", std::string(unit)}}});
}

absl::Status QuantityOverflow(absl::string_view item, int64_t amount, absl::string_view unit) {
  return status::MakeError(StatusCode::kFailedPrecondition,
                           absl::StrCat(amount, " ", unit, " of ", item,
                                        " is more than 2^63-1 base units; check the amount"),
                           {.reason = "QUANTITY_OVERFLOW",
                            .metadata = {{"item", std::string(item)},
                                         {"amount", absl::StrCat(amount)},
                                         {"unit", std::string(unit)}}});
}

absl::Status PackNameTaken(absl::string_view item, absl::string_view pack) {
  return status::MakeError(
      StatusCode::kAlreadyExists,
      absl::StrCat(item, " is already counted in ", pack, "; give the pack another name"),
      {.reason = "PACK_NAME_TAKEN",
       .metadata = {{"item", std::string(item)}, {"pack", std::string(pack)}}});
}

absl::Status PackLimitReached(absl::string_view item, size_t limit) {
  return status::MakeError(
      StatusCode::kFailedPrecondition,
      absl::StrCat(item, " has ", limit, " packs already, which is as many as an item may have"),
      {.reason = "PACK_LIMIT_REACHED",
       .metadata = {{"item", std::string(item)}, {"limit", absl::StrCat(limit)}}});
}

}  // namespace quartermaster::inventory
