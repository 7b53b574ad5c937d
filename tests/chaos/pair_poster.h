#pragma once

#include <grpcpp/grpcpp.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "platform/base/clock.h"
#include "platform/base/uuid.h"
#include "quartermaster/inventory/v1/ledger.grpc.pb.h"

namespace quartermaster::testing {

// Posts pairs to the depot of `MakeCity`: a piece in through one server and out through the other,
// each asked for until it is answered, and keeps what was acknowledged.
//
// One thread; the count may be read from any.
class PairPoster {
 public:
  // Begins at the server of that place.
  PairPoster(std::array<std::shared_ptr<grpc::Channel>, 2> servers, size_t first)
      : servers_(std::move(servers)), at_(first) {}

  void Work(const std::atomic<bool>& stop);

  int64_t acknowledged_count() const { return acknowledged_count_; }
  // Names of movements, in the order of the answers. Not while it works; so the next.
  const std::vector<std::string>& acknowledged() const { return acknowledged_; }
  // Errors that no fault explains.
  const std::vector<std::string>& surprises() const { return surprises_; }

 private:
  void Post(inventory::v1::MovementReason reason, inventory::v1::AccountState from,
            inventory::v1::AccountState to);

  const std::array<std::shared_ptr<grpc::Channel>, 2> servers_;
  size_t at_;
  const base::SystemClock clock_;
  base::UuidSource uuids_{clock_};
  std::atomic<int64_t> acknowledged_count_ = 0;
  std::vector<std::string> acknowledged_;
  std::vector<std::string> surprises_;
};

}  // namespace quartermaster::testing
