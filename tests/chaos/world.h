#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"

// A city with two places and two lots of masks: little enough that clerks meet.
namespace quartermaster::testing {

inline constexpr char kCity[] = "units/city";
inline constexpr char kDepot[] = "units/city/locations/depot";
inline constexpr char kShelf[] = "units/city/locations/shelf";
inline constexpr char kOneLot[] = "items/mask/lots/a";
inline constexpr char kOtherLot[] = "items/mask/lots/b";

// Makes it through the gateway, as the administrator of the city whose token that is.
absl::Status MakeCity(const std::shared_ptr<grpc::Channel>& gateway, const std::string& token);
// Makes more items, each with one lot of the city's, `items/{id}/lots/a`.
absl::Status MakeItems(const std::shared_ptr<grpc::Channel>& gateway, const std::string& token,
                       const std::vector<std::string>& ids);

}  // namespace quartermaster::testing
