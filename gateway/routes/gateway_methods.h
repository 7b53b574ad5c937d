#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "platform/rpc/method_table.h"

namespace quartermaster::gateway {

// The programs that answer calls.
enum class Owner { kGateway, kInventory };

// A method as the gateway sees it.
struct GatewayMethod {
  // As HTTP/2 names it: `/quartermaster.inventory.v1.Ledger/PostMovement`.
  std::string path;
  rpc::MethodInfo info;
  const google::protobuf::MethodDescriptor* descriptor = nullptr;
  Owner owner = Owner::kGateway;
};

// All methods of some interfaces. Thread-safe once made; its methods live as long as it.
class GatewayMethods {
 public:
  // Fails, naming the interface or the method, if no program serves the package, or if a method has
  // no permission or no call class, or takes a stream.
  static absl::StatusOr<GatewayMethods> Make(
      const std::vector<const google::protobuf::ServiceDescriptor*>& interfaces);

  // Returns null if there is no such method.
  const GatewayMethod* FindByPath(absl::string_view path) const;
  const GatewayMethod* FindByDescriptor(const google::protobuf::MethodDescriptor* method) const;

  const std::vector<std::unique_ptr<GatewayMethod>>& all() const { return methods_; }

 private:
  std::vector<std::unique_ptr<GatewayMethod>> methods_;
  absl::flat_hash_map<std::string, const GatewayMethod*> by_path_;
  absl::flat_hash_map<const google::protobuf::MethodDescriptor*, const GatewayMethod*>
      by_descriptor_;
};

}  // namespace quartermaster::gateway
