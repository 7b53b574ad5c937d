#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/load/callers.h"

// The books that are measured: one unit, many locations, a few lots.
namespace quartermaster::load {

inline constexpr char kUnit[] = "units/bench";
inline constexpr int kLocationCount = 500;
inline constexpr int kLotCount = 4;

// The systems file that lets the certificate `province-demo` do all that `MakeWorld` needs.
std::string SystemsJson();
// The grants of the person who posts through the gateway.
std::vector<std::string> PersonGrants();

// Creates units, locations, an item and its lots by the API.
absl::Status MakeWorld(const std::shared_ptr<grpc::Channel>& inventory);

// Postings that touch `kLocationCount` * `kLotCount` pairs of balances in turn.
MakeRequest SpreadPostings();
// Postings that all touch the same two balances.
MakeRequest HotPostings();

}  // namespace quartermaster::load
