#include "gateway/transcode/well_known.h"

#include <cstdint>
#include <limits>

#include "absl/strings/match.h"
#include "gateway/transcode/field_values.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "platform/base/status_macros.h"

namespace quartermaster::gateway {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::Duration;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MessageFactory;
using google::protobuf::Reflection;
using google::protobuf::Timestamp;

WellKnown WellKnownOf(const Descriptor& type) {
  switch (type.well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_UNSPECIFIED:
      // Empty has no form of its own; FieldMask does, though protobuf does not list it here.
      return type.full_name() == "google.protobuf.FieldMask" ? WellKnown::kUnsupported
                                                             : WellKnown::kNone;
    case Descriptor::WELLKNOWNTYPE_TIMESTAMP:
      return WellKnown::kTimestamp;
    case Descriptor::WELLKNOWNTYPE_DURATION:
      return WellKnown::kDuration;
    case Descriptor::WELLKNOWNTYPE_ANY:
      return WellKnown::kAny;
    default:
      return WellKnown::kUnsupported;
  }
}

absl::string_view TextFormOf(WellKnown kind) {
  return kind == WellKnown::kTimestamp ? "a time like \"2026-02-03T08:00:00+08:00\""
                                       : "a duration like \"1.5s\"";
}

absl::Status SetTextForm(WellKnown kind, absl::string_view text, Message& message) {
  if (kind == WellKnown::kTimestamp) {
    QM_ASSIGN_OR_RETURN(static_cast<Timestamp&>(message), ParseTimestamp(text));
  } else {
    QM_ASSIGN_OR_RETURN(static_cast<Duration&>(message), ParseDuration(text));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> RenderTextForm(WellKnown kind, const Message& message) {
  return kind == WellKnown::kTimestamp ? RenderTimestamp(static_cast<const Timestamp&>(message))
                                       : RenderDuration(static_cast<const Duration&>(message));
}

const Message* PrototypeOf(absl::string_view type_url) {
  const size_t slash = type_url.rfind('/');
  if (slash == absl::string_view::npos) return nullptr;
  const Descriptor* type = DescriptorPool::generated_pool()->FindMessageTypeByName(
      std::string(type_url.substr(slash + 1)));
  return type == nullptr ? nullptr : MessageFactory::generated_factory()->GetPrototype(type);
}

namespace {

// A repeated field is added to, a singular one set; reflection has two names for each type.
#define QM_STORE(Type, value)                        \
  do {                                               \
    if (field.is_repeated()) {                       \
      reflection.Add##Type(&message, &field, value); \
    } else {                                         \
      reflection.Set##Type(&message, &field, value); \
    }                                                \
    return absl::OkStatus();                         \
  } while (false)

absl::Status SetNumber(const FieldDescriptor& field, absl::string_view text, Message& message) {
  const Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32: {
      using Limits = std::numeric_limits<int32_t>;
      QM_ASSIGN_OR_RETURN(const int64_t value, ParseInteger(text, Limits::min(), Limits::max()));
      QM_STORE(Int32, static_cast<int32_t>(value));
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      using Limits = std::numeric_limits<int64_t>;
      QM_ASSIGN_OR_RETURN(const int64_t value, ParseInteger(text, Limits::min(), Limits::max()));
      QM_STORE(Int64, value);
    }
    case FieldDescriptor::CPPTYPE_UINT32: {
      QM_ASSIGN_OR_RETURN(const uint64_t value,
                          ParseUnsigned(text, std::numeric_limits<uint32_t>::max()));
      QM_STORE(UInt32, static_cast<uint32_t>(value));
    }
    case FieldDescriptor::CPPTYPE_UINT64: {
      QM_ASSIGN_OR_RETURN(const uint64_t value,
                          ParseUnsigned(text, std::numeric_limits<uint64_t>::max()));
      QM_STORE(UInt64, value);
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      QM_ASSIGN_OR_RETURN(const double value, ParseDouble(text));
      QM_STORE(Double, value);
    }
    default: {
      QM_ASSIGN_OR_RETURN(const float value, ParseFloat(text));
      QM_STORE(Float, value);
    }
  }
}

}  // namespace

absl::Status SetFromText(const FieldDescriptor& field, absl::string_view text, Message& message) {
  const Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      if (field.type() == FieldDescriptor::TYPE_BYTES) {
        QM_ASSIGN_OR_RETURN(const std::string bytes, ParseBase64(text));
        QM_STORE(String, bytes);
      }
      QM_STORE(String, std::string(text));
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      if (text != "true" && text != "false") {
        return absl::InvalidArgumentError("must be true or false");
      }
      QM_STORE(Bool, text == "true");
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      using Limits = std::numeric_limits<int32_t>;
      absl::StatusOr<int64_t> number = ParseInteger(text, Limits::min(), Limits::max());
      if (IsJsonNumber(text)) {
        QM_RETURN_IF_ERROR(number.status());
      } else {
        QM_ASSIGN_OR_RETURN(number, ParseEnum(text, *field.enum_type()));
      }
      QM_STORE(EnumValue, static_cast<int>(*number));
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return absl::InvalidArgumentError("is a message: name one of its fields");
    default:
      return SetNumber(field, text, message);
  }
}

#undef QM_STORE

}  // namespace quartermaster::gateway
