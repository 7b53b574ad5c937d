#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/harness/stack.h"
#include "tests/load/callers.h"
#include "tests/load/target.h"

// The books that are measured: units with locations, items with lots. Each location may hold each
// lot, and has a balance for the supplier of each and one for what it has.
namespace quartermaster::load {

// The unit that all others lie beneath.
inline constexpr char kRoot[] = "units/bench";

struct WorldSize {
  int unit_count = 1;
  int locations_per_unit = 500;
  int item_count = 1;
  int lots_per_item = 4;

  // How many pairs of balances postings can touch.
  int64_t place_count() const {
    return int64_t{unit_count} * locations_per_unit * item_count * lots_per_item;
  }
};

// The systems file that lets the certificate `province-demo` do all that is needed here.
std::string SystemsJson();
// Flags of a database as an operator would set it up: the pages that postings touch fit into
// memory, and the log is long enough that the server does not stop to write them back.
std::vector<std::string> DatabaseFlags();
// The grants of the person who posts and reads through the gateway.
std::vector<std::string> PersonGrants();

// An inventory-svc of `stack` at that address, for who has the certificate `province-demo`.
Target InventoryAt(const testing::Stack& stack, const std::string& address);

// Creates units, locations, items and lots by the API.
absl::Status MakeWorld(const std::shared_ptr<grpc::Channel>& inventory, const WorldSize& size);

// Receipts of `line_count` lines that go round all places in turn.
MakeRequest SpreadPostings(const WorldSize& size, int line_count = 1);
// Receipts that all touch the same two balances.
MakeRequest HotPostings();

// Posts `movement_count` movements in batches, several at once, and tells on standard error how far
// it is. Fails when a movement does.
absl::Status PostHistory(const std::shared_ptr<grpc::Channel>& inventory, int64_t movement_count,
                         const MakeRequest& make_request);

}  // namespace quartermaster::load
