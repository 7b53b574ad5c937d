#pragma once

#include <memory>
#include <string>

#include "tests/suite/suite_world.h"

namespace quartermaster::testing {

// A way into the ledger through the gateway, in one person's name. What it answers is the same
// whichever way it is.
class Door {
 public:
  virtual ~Door() = default;
  virtual absl::StatusOr<v1::Movement> Post(const v1::PostMovementRequest& request) = 0;
  virtual absl::StatusOr<v1::Movement> Reverse(const v1::ReverseMovementRequest& request) = 0;
  virtual absl::StatusOr<v1::BatchPostMovementsResponse> Batch(
      const v1::BatchPostMovementsRequest& request) = 0;
  virtual absl::StatusOr<v1::Movement> Get(const std::string& name) = 0;
  virtual absl::StatusOr<v1::ListMovementsResponse> List(
      const v1::ListMovementsRequest& request) = 0;
};

std::unique_ptr<Door> MakeGrpcDoor(const std::string& token);
std::unique_ptr<Door> MakeJsonDoor(const std::string& token);

}  // namespace quartermaster::testing
