#include "protos/api_files.h"

#include "absl/strings/match.h"
#include "quartermaster/gateway/v1/overview.pb.h"
#include "quartermaster/internal/v1/relay.pb.h"
#include "quartermaster/inventory/v1/catalog.pb.h"
#include "quartermaster/inventory/v1/ledger.pb.h"
#include "quartermaster/inventory/v1/records.pb.h"
#include "quartermaster/inventory/v1/transfers.pb.h"
#include "quartermaster/inventory/v1/units.pb.h"
#include "quartermaster/type/v1/quantity.pb.h"
#include "quartermaster/type/v1/record.pb.h"

namespace quartermaster {

std::vector<const google::protobuf::FileDescriptor*> ApiFiles() {
  return {type::v1::Quantity::descriptor()->file(),
          type::v1::Record::descriptor()->file(),
          inventory::v1::Unit::descriptor()->file(),
          inventory::v1::Item::descriptor()->file(),
          inventory::v1::Movement::descriptor()->file(),
          inventory::v1::Transfer::descriptor()->file(),
          inventory::v1::WatchRequest::descriptor()->file(),
          gateway::v1::Situation::descriptor()->file(),
          internal::v1::CarriedCall::descriptor()->file()};
}

std::vector<const google::protobuf::ServiceDescriptor*> PublicInterfaces() {
  std::vector<const google::protobuf::ServiceDescriptor*> interfaces;
  for (const google::protobuf::FileDescriptor* file : ApiFiles()) {
    if (absl::StartsWith(file->package(), "quartermaster.internal.")) continue;
    for (int i = 0; i < file->service_count(); ++i) interfaces.push_back(file->service(i));
  }
  return interfaces;
}

}  // namespace quartermaster
