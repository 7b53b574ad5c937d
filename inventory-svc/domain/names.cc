#include "inventory-svc/domain/names.h"

#include "absl/strings/str_cat.h"

namespace quartermaster::inventory {
namespace {

// Returns the first two segments of a name that has four.
absl::string_view Parent(absl::string_view name) {
  const size_t first = name.find('/');
  const size_t second = first == absl::string_view::npos ? first : name.find('/', first + 1);
  return name.substr(0, second);
}

}  // namespace

absl::string_view UnitOfLocation(absl::string_view location) { return Parent(location); }

absl::string_view ItemOfLot(absl::string_view lot) { return Parent(lot); }

absl::string_view LastSegment(absl::string_view name) {
  const size_t slash = name.rfind('/');
  return slash == absl::string_view::npos ? name : name.substr(slash + 1);
}

std::string MovementName(const base::Uuid& movement_id) {
  return absl::StrCat("movements/", movement_id.ToString());
}

std::string TransferName(const base::Uuid& transfer_id) {
  return absl::StrCat("transfers/", transfer_id.ToString());
}

}  // namespace quartermaster::inventory
