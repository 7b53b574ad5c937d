#pragma once

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "inventory-svc/domain/ids.h"

namespace quartermaster::inventory {

// Renders row numbers for an IN: they are ours, so they are written into the statement, and a list
// has as many as it needs.
template <typename Id>
std::string NumberList(const std::vector<Id>& ids) {
  return absl::StrJoin(ids, ",",
                       [](std::string* out, Id id) { absl::StrAppend(out, ToNumber(id)); });
}

}  // namespace quartermaster::inventory
