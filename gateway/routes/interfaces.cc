#include "gateway/routes/interfaces.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"
#include "quartermaster/gateway/v1/overview.pb.h"
#include "quartermaster/inventory/v1/catalog.pb.h"
#include "quartermaster/inventory/v1/ledger.pb.h"
#include "quartermaster/inventory/v1/records.pb.h"
#include "quartermaster/inventory/v1/transfers.pb.h"
#include "quartermaster/inventory/v1/units.pb.h"

namespace quartermaster::gateway {
namespace {

// All interfaces that are declared in the file of `Message`. To name a message is also what makes
// the linker take the file's descriptors along.
template <typename Message>
void AddFileOf(Owner owner, std::vector<Interface>& interfaces) {
  const google::protobuf::FileDescriptor* file = Message::descriptor()->file();
  for (int i = 0; i < file->service_count(); ++i) interfaces.push_back({file->service(i), owner});
}

std::vector<Interface> CollectInterfaces() {
  std::vector<Interface> interfaces;
  AddFileOf<v1::Situation>(Owner::kGateway, interfaces);
  AddFileOf<inventory::v1::Unit>(Owner::kInventory, interfaces);
  AddFileOf<inventory::v1::Item>(Owner::kInventory, interfaces);
  AddFileOf<inventory::v1::Movement>(Owner::kInventory, interfaces);
  AddFileOf<inventory::v1::Transfer>(Owner::kInventory, interfaces);
  AddFileOf<inventory::v1::WatchRequest>(Owner::kInventory, interfaces);
  return interfaces;
}

}  // namespace

const std::vector<Interface>& Interfaces() {
  static const auto* const interfaces = new std::vector<Interface>(CollectInterfaces());
  return *interfaces;
}

absl::StatusOr<GatewayMethods> GatewayMethods::Make(const std::vector<Interface>& interfaces) {
  GatewayMethods methods;
  for (const Interface& interface : interfaces) {
    const absl::string_view name = interface.service->full_name();
    QM_ASSIGN_OR_RETURN(const rpc::MethodTable table,
                        rpc::MethodTable::Load(absl::MakeConstSpan(&name, 1)));
    for (int i = 0; i < interface.service->method_count(); ++i) {
      const google::protobuf::MethodDescriptor* descriptor = interface.service->method(i);
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
                                                        .owner = interface.owner});
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
