#pragma once

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "qmctl/client/client.h"
#include "qmctl/import/plan.h"

namespace quartermaster::qmctl {

// What the books hold already of what a plan touches. A plain value, as it was when it was read.
struct Books {
  absl::flat_hash_map<std::string, pb::Unit> units;
  absl::flat_hash_map<std::string, pb::Location> locations;
  absl::flat_hash_map<std::string, pb::Item> items;
  absl::flat_hash_map<std::string, pb::Lot> lots;
  // From the units that the plan sends goods from.
  std::vector<pb::Transfer> transfers;
};

// Reads them from the server, only what `plan` touches.
absl::StatusOr<Books> ReadBooks(const Client& client, const Plan& plan);

}  // namespace quartermaster::qmctl
