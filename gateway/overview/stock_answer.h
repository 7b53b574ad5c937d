#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "quartermaster/inventory/v1/ledger.pb.h"

namespace quartermaster::gateway {

// What inventory-svc answered to `SummarizeStock`. Its lines are the lines of a `Situation`, byte
// for byte, and are passed on as they came: to make thousands of messages of them, only to write
// the same bytes again, would take longer than all else that the gateway does for a situation.
//
// Thread-compatible.
class StockAnswer {
 public:
  // Reads what came. INTERNAL if that is not the message it should be; whether the lines are, apart
  // from the names in them, is left to whoever reads them.
  static absl::StatusOr<StockAnswer> Read(const grpc::ByteBuffer& bytes);

  // The units and items that lines name, ascending, each once.
  const std::vector<std::string>& names() const { return names_; }

  // All of the answer but its lines.
  const inventory::v1::SummarizeStockResponse& rest() const { return rest_; }

  // The lines, as a `Situation` without all else.
  const std::vector<grpc::Slice>& lines() const { return lines_; }

 private:
  StockAnswer() = default;

  std::vector<std::string> names_;
  inventory::v1::SummarizeStockResponse rest_;
  std::vector<grpc::Slice> lines_;
};

}  // namespace quartermaster::gateway
