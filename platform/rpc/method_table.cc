#include "platform/rpc/method_table.h"

#include <google/protobuf/descriptor.h>

#include <optional>

#include "absl/strings/str_cat.h"
#include "platform/base/status_macros.h"
#include "quartermaster/type/v1/options.pb.h"

namespace quartermaster::rpc {
namespace {

namespace pb = quartermaster::type::v1;

std::optional<CallClass> ToCallClass(pb::CallClass call_class) {
  switch (call_class) {
    case pb::READ:
      return CallClass::kRead;
    case pb::WRITE:
      return CallClass::kWrite;
    case pb::POSTING:
      return CallClass::kPosting;
    case pb::REPORT:
      return CallClass::kReport;
    default:
      return std::nullopt;
  }
}

absl::StatusOr<MethodInfo> ReadMethod(const google::protobuf::MethodDescriptor& method) {
  const std::string name = absl::StrCat(method.service()->full_name(), "/", method.name());
  const std::string& permission = method.options().GetExtension(pb::permission);
  if (permission.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(name, " has no option (quartermaster.type.v1.permission)"));
  }
  const std::optional<CallClass> call_class =
      ToCallClass(method.options().GetExtension(pb::call_class));
  if (!call_class.has_value()) {
    return absl::FailedPreconditionError(
        absl::StrCat(name, " has no option (quartermaster.type.v1.call_class)"));
  }
  return MethodInfo{.name = name, .permission = permission, .call_class = *call_class};
}

}  // namespace

absl::string_view CallClassName(CallClass call_class) {
  switch (call_class) {
    case CallClass::kRead:
      return "read";
    case CallClass::kWrite:
      return "write";
    case CallClass::kPosting:
      return "posting";
    case CallClass::kReport:
      return "report";
  }
  return "";
}

absl::StatusOr<MethodTable> MethodTable::Load(absl::Span<const absl::string_view> services) {
  MethodTable table;
  for (const absl::string_view service : services) {
    const google::protobuf::ServiceDescriptor* descriptor =
        google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(std::string(service));
    if (descriptor == nullptr) {
      return absl::FailedPreconditionError(
          absl::StrCat("there is no service ", service, " among the generated protos"));
    }
    for (int i = 0; i < descriptor->method_count(); ++i) {
      QM_ASSIGN_OR_RETURN(MethodInfo method, ReadMethod(*descriptor->method(i)));
      table.by_name_.emplace(method.name, table.methods_.size());
      table.methods_.push_back(std::move(method));
    }
  }
  return table;
}

const MethodInfo* MethodTable::Find(absl::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &methods_[found->second];
}

}  // namespace quartermaster::rpc
