#include "gateway/routes/gateway_methods.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"

namespace quartermaster::gateway {
namespace {

// Which program serves the interfaces of a package.
constexpr std::pair<absl::string_view, Owner> kOwners[] = {
    {"quartermaster.gateway.v1", Owner::kGateway},
    {"quartermaster.inventory.v1", Owner::kInventory},
};

absl::StatusOr<Owner> FindOwner(const google::protobuf::ServiceDescriptor& interface) {
  for (const auto& [package, owner] : kOwners) {
    if (interface.file()->package() == package) return owner;
  }
  return absl::InvalidArgumentError(absl::StrCat("no program serves ", interface.full_name()));
}

}  // namespace

absl::StatusOr<GatewayMethods> GatewayMethods::Make(
    const std::vector<const google::protobuf::ServiceDescriptor*>& interfaces) {
  GatewayMethods methods;
  for (const google::protobuf::ServiceDescriptor* interface : interfaces) {
    QM_ASSIGN_OR_RETURN(const Owner owner, FindOwner(*interface));
    const absl::string_view name = interface->full_name();
    QM_ASSIGN_OR_RETURN(const rpc::MethodTable table,
                        rpc::MethodTable::Load(absl::MakeConstSpan(&name, 1)));
    for (int i = 0; i < interface->method_count(); ++i) {
      const google::protobuf::MethodDescriptor* descriptor = interface->method(i);
      if (descriptor->client_streaming()) {
        return absl::InvalidArgumentError(absl::StrCat(
            "method ", descriptor->full_name(), ": streams of requests are not passed through"));
      }
      const rpc::MethodInfo* info = table.Find(absl::StrCat(name, "/", descriptor->name()));
      QM_CHECK(info != nullptr);
      auto method =
          std::make_unique<GatewayMethod>(GatewayMethod{.path = absl::StrCat("/", info->name),
                                                        .info = *info,
                                                        .descriptor = descriptor,
                                                        .owner = owner});
      methods.by_path_[method->path] = method.get();
      methods.by_descriptor_[descriptor] = method.get();
      methods.methods_.push_back(std::move(method));
    }
  }
  return methods;
}

const GatewayMethod* GatewayMethods::FindByPath(absl::string_view path) const {
  const auto found = by_path_.find(path);
  return found == by_path_.end() ? nullptr : found->second;
}

const GatewayMethod* GatewayMethods::FindByDescriptor(
    const google::protobuf::MethodDescriptor* method) const {
  const auto found = by_descriptor_.find(method);
  return found == by_descriptor_.end() ? nullptr : found->second;
}

}  // namespace quartermaster::gateway
