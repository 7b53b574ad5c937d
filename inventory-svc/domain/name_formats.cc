#include "inventory-svc/domain/name_formats.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"

namespace quartermaster::inventory {
namespace {

bool IsLowerAlnumOrHyphen(char c) {
  return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-';
}

// Tells whether `name` is `{collection}/{id}`.
bool IsNameIn(absl::string_view collection, absl::string_view name) {
  return absl::ConsumePrefix(&name, collection) && absl::ConsumePrefix(&name, "/") &&
         IsResourceId(name);
}

// Splits `{parent collection}/{id}/{rest}` after the id; the parent alone if there is no rest.
absl::string_view ParentOf(absl::string_view name) {
  const size_t first = name.find('/');
  return name.substr(0, first == absl::string_view::npos ? first : name.find('/', first + 1));
}

bool IsNestedName(absl::string_view parent_collection, absl::string_view collection,
                  absl::string_view name) {
  const absl::string_view parent = ParentOf(name);
  return parent.size() < name.size() && IsNameIn(parent_collection, parent) &&
         IsNameIn(collection, name.substr(parent.size() + 1));
}

}  // namespace

bool IsResourceId(absl::string_view id) {
  return !id.empty() && id.size() <= 63 && absl::ascii_islower(id.front()) && id.back() != '-' &&
         std::ranges::all_of(id, IsLowerAlnumOrHyphen);
}

bool IsUnitName(absl::string_view name) { return IsNameIn("units", name); }

bool IsLocationName(absl::string_view name) { return IsNestedName("units", "locations", name); }

bool IsItemName(absl::string_view name) { return IsNameIn("items", name); }

bool IsLotName(absl::string_view name) { return IsNestedName("items", "lots", name); }

bool IsMeasure(absl::string_view text) {
  return !text.empty() && text.size() <= 32 && absl::ascii_islower(text.front()) &&
         std::ranges::all_of(text, IsLowerAlnumOrHyphen);
}

}  // namespace quartermaster::inventory
