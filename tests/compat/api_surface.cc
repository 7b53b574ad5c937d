#include "tests/compat/api_surface.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "google/api/annotations.pb.h"

namespace quartermaster::compat {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

std::string TypeName(const FieldDescriptor& field) {
  if (field.message_type() != nullptr) return field.message_type()->full_name();
  if (field.enum_type() != nullptr) return field.enum_type()->full_name();
  return field.type_name();
}

void DescribeEnum(const EnumDescriptor& type, std::set<std::string>& lines) {
  for (int i = 0; i < type.value_count(); ++i) {
    lines.insert(absl::StrCat("enum ", type.full_name(), " ", type.value(i)->name(), " = ",
                              type.value(i)->number()));
  }
}

void DescribeMessage(const Descriptor& type, std::set<std::string>& lines) {
  lines.insert(absl::StrCat("message ", type.full_name()));
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    lines.insert(absl::StrCat("field ", field.full_name(), " = ", field.number(), " ",
                              field.is_repeated() ? "repeated " : "", TypeName(field)));
  }
  for (int i = 0; i < type.nested_type_count(); ++i) DescribeMessage(*type.nested_type(i), lines);
  for (int i = 0; i < type.enum_type_count(); ++i) DescribeEnum(*type.enum_type(i), lines);
}

}  // namespace

std::set<std::string> DescribeApi(const std::vector<const FileDescriptor*>& files) {
  std::set<std::string> lines;
  for (const FileDescriptor* file : files) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        const auto& method = *file->service(s)->method(m);
        lines.insert(absl::StrCat(
            "method ", method.full_name(), " ", method.client_streaming() ? "stream " : "",
            method.input_type()->full_name(), " -> ", method.server_streaming() ? "stream " : "",
            method.output_type()->full_name(), " [",
            method.options().GetExtension(google::api::http).ShortDebugString(), "]"));
      }
    }
    for (int i = 0; i < file->message_type_count(); ++i) {
      DescribeMessage(*file->message_type(i), lines);
    }
    for (int i = 0; i < file->enum_type_count(); ++i) DescribeEnum(*file->enum_type(i), lines);
  }
  return lines;
}

std::vector<std::string> FindBroken(const std::set<std::string>& published,
                                    const std::set<std::string>& today) {
  std::vector<std::string> broken;
  std::ranges::set_difference(published, today, std::back_inserter(broken));
  return broken;
}

}  // namespace quartermaster::compat
