#include "gateway/transcode/json_writer.h"

#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/charconv.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gateway/transcode/utf8.h"
#include "gateway/transcode/well_known.h"
#include "google/protobuf/any.pb.h"
#include "platform/base/status_macros.h"

namespace quartermaster::gateway {
namespace {

using google::protobuf::Any;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Protobuf itself parses no deeper; only an Any inside an Any could go on.
constexpr int kDepthMax = 100;

constexpr std::array<bool, 256> MakeMustEscape() {
  std::array<bool, 256> must_escape = {};
  for (size_t c = 0; c < 0x20; ++c) must_escape[c] = true;
  for (const char c : {'"', '\\', '<', '\x7F'}) must_escape[static_cast<size_t>(c)] = true;
  return must_escape;
}
constexpr std::array<bool, 256> kMustEscape = MakeMustEscape();

template <typename Float>
void AppendFloat(Float value, std::string& json) {
  if (std::isnan(value)) {
    json += "\"NaN\"";
  } else if (std::isinf(value)) {
    json += value < 0 ? "\"-Infinity\"" : "\"Infinity\"";
  } else {
    // As few digits as read back to the same number: 0.1, not 0.10000000000000001.
    using Limits = std::numeric_limits<Float>;
    std::string digits = absl::StrFormat("%.*g", Limits::digits10, value);
    Float again = 0;
    const auto read = absl::from_chars(digits.data(), digits.data() + digits.size(), again);
    if (read.ec != std::errc() || again != value) {
      digits = absl::StrFormat("%.*g", Limits::max_digits10, value);
    }
    json += digits;
  }
}

void AppendQuoted(int64_t value, std::string& json) { absl::StrAppend(&json, "\"", value, "\""); }
void AppendQuoted(uint64_t value, std::string& json) { absl::StrAppend(&json, "\"", value, "\""); }

void AppendEnum(const FieldDescriptor& field, int number, std::string& json) {
  if (const auto* value = field.enum_type()->FindValueByNumber(number)) {
    absl::StrAppend(&json, "\"", value->name(), "\"");
  } else {
    absl::StrAppend(&json, number);
  }
}

absl::Status AppendText(const FieldDescriptor& field, const std::string& text, std::string& json) {
  if (field.type() == FieldDescriptor::TYPE_BYTES) {
    absl::StrAppend(&json, "\"", absl::Base64Escape(text), "\"");
    return absl::OkStatus();
  }
  if (!IsUtf8(text)) {
    return absl::InternalError(absl::StrCat(field.full_name(), " is not UTF-8"));
  }
  AppendJsonString(text, json);
  return absl::OkStatus();
}

class Writer {
 public:
  explicit Writer(std::string& json) : json_(json) {}

  absl::Status WriteMessage(const Message& message, int depth) {
    if (depth > kDepthMax) return absl::InternalError("the message nests too deep");
    const WellKnown kind = WellKnownOf(*message.GetDescriptor());
    switch (kind) {
      case WellKnown::kNone: {
        json_.push_back('{');
        bool is_first = true;
        QM_RETURN_IF_ERROR(WriteMembers(message, depth, is_first));
        json_.push_back('}');
        return absl::OkStatus();
      }
      case WellKnown::kAny:
        return WriteAny(static_cast<const Any&>(message), depth);
      case WellKnown::kTimestamp:
      case WellKnown::kDuration: {
        QM_ASSIGN_OR_RETURN(const std::string text, RenderTextForm(kind, message));
        absl::StrAppend(&json_, "\"", text, "\"");
        return absl::OkStatus();
      }
      case WellKnown::kUnsupported:
        break;
    }
    return absl::InternalError(
        absl::StrCat("a ", message.GetDescriptor()->full_name(), " has no JSON form here"));
  }

 private:
  absl::Status WriteMembers(const Message& message, int depth, bool& is_first) {
    const Descriptor& type = *message.GetDescriptor();
    const Reflection& reflection = *message.GetReflection();
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      // What can be absent is left out when it is; all else is always there.
      if (field.has_presence() && !reflection.HasField(message, &field)) continue;
      if (!is_first) json_.push_back(',');
      is_first = false;
      absl::StrAppend(&json_, "\"", field.json_name(), "\":");
      if (field.is_map()) {
        QM_RETURN_IF_ERROR(WriteMap(message, field, depth));
      } else if (field.is_repeated()) {
        QM_RETURN_IF_ERROR(WriteArray(message, field, depth));
      } else {
        QM_RETURN_IF_ERROR(WriteSingular(message, field, depth));
      }
    }
    return absl::OkStatus();
  }

  absl::Status WriteArray(const Message& message, const FieldDescriptor& field, int depth) {
    const int size = message.GetReflection()->FieldSize(message, &field);
    json_.push_back('[');
    for (int i = 0; i < size; ++i) {
      if (i > 0) json_.push_back(',');
      QM_RETURN_IF_ERROR(WriteElement(message, field, i, depth));
    }
    json_.push_back(']');
    return absl::OkStatus();
  }

  absl::Status WriteMap(const Message& message, const FieldDescriptor& field, int depth) {
    const Reflection& reflection = *message.GetReflection();
    const FieldDescriptor& key_field = *field.message_type()->map_key();
    const FieldDescriptor& value_field = *field.message_type()->map_value();
    std::map<std::string, const Message*> entries;
    for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
      const Message& entry = reflection.GetRepeatedMessage(message, &field, i);
      std::string key;
      QM_RETURN_IF_ERROR(RenderKey(entry, key_field, key));
      entries.emplace(std::move(key), &entry);
    }
    json_.push_back('{');
    bool is_first = true;
    for (const auto& [key, entry] : entries) {
      if (!is_first) json_.push_back(',');
      is_first = false;
      absl::StrAppend(&json_, key, ":");
      QM_RETURN_IF_ERROR(WriteSingular(*entry, value_field, depth));
    }
    json_.push_back('}');
    return absl::OkStatus();
  }

  // A key is a string, whatever it is made of.
  static absl::Status RenderKey(const Message& entry, const FieldDescriptor& key_field,
                                std::string& key) {
    QM_RETURN_IF_ERROR(Writer(key).WriteSingular(entry, key_field, 0));
    if (key.empty() || key[0] != '"') key = absl::StrCat("\"", key, "\"");
    return absl::OkStatus();
  }

  absl::Status WriteSingular(const Message& message, const FieldDescriptor& field, int depth) {
    const Reflection& reflection = *message.GetReflection();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        absl::StrAppend(&json_, reflection.GetInt32(message, &field));
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        AppendQuoted(reflection.GetInt64(message, &field), json_);
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        absl::StrAppend(&json_, reflection.GetUInt32(message, &field));
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        AppendQuoted(reflection.GetUInt64(message, &field), json_);
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        AppendFloat(reflection.GetDouble(message, &field), json_);
        break;
      case FieldDescriptor::CPPTYPE_FLOAT:
        AppendFloat(reflection.GetFloat(message, &field), json_);
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        json_ += reflection.GetBool(message, &field) ? "true" : "false";
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        AppendEnum(field, reflection.GetEnumValue(message, &field), json_);
        break;
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string scratch;
        return AppendText(field, reflection.GetStringReference(message, &field, &scratch), json_);
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return WriteMessage(reflection.GetMessage(message, &field), depth + 1);
    }
    return absl::OkStatus();
  }

  absl::Status WriteElement(const Message& message, const FieldDescriptor& field, int i,
                            int depth) {
    const Reflection& reflection = *message.GetReflection();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        absl::StrAppend(&json_, reflection.GetRepeatedInt32(message, &field, i));
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        AppendQuoted(reflection.GetRepeatedInt64(message, &field, i), json_);
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        absl::StrAppend(&json_, reflection.GetRepeatedUInt32(message, &field, i));
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        AppendQuoted(reflection.GetRepeatedUInt64(message, &field, i), json_);
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        AppendFloat(reflection.GetRepeatedDouble(message, &field, i), json_);
        break;
      case FieldDescriptor::CPPTYPE_FLOAT:
        AppendFloat(reflection.GetRepeatedFloat(message, &field, i), json_);
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        json_ += reflection.GetRepeatedBool(message, &field, i) ? "true" : "false";
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        AppendEnum(field, reflection.GetRepeatedEnumValue(message, &field, i), json_);
        break;
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string scratch;
        return AppendText(
            field, reflection.GetRepeatedStringReference(message, &field, i, &scratch), json_);
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return WriteMessage(reflection.GetRepeatedMessage(message, &field, i), depth + 1);
    }
    return absl::OkStatus();
  }

  absl::Status WriteAny(const Any& any, int depth) {
    if (any.type_url().empty()) {
      json_ += "{}";
      return absl::OkStatus();
    }
    json_ += "{\"@type\":";
    AppendJsonString(any.type_url(), json_);
    const Message* prototype = PrototypeOf(any.type_url());
    const std::unique_ptr<Message> content(prototype == nullptr ? nullptr : prototype->New());
    if (content == nullptr || !content->ParseFromString(any.value())) {
      absl::StrAppend(&json_, ",\"value\":\"", absl::Base64Escape(any.value()), "\"}");
      return absl::OkStatus();
    }
    if (WellKnownOf(*content->GetDescriptor()) == WellKnown::kNone) {
      bool is_first = false;
      QM_RETURN_IF_ERROR(WriteMembers(*content, depth + 1, is_first));
    } else {
      json_ += ",\"value\":";
      QM_RETURN_IF_ERROR(WriteMessage(*content, depth + 1));
    }
    json_.push_back('}');
    return absl::OkStatus();
  }

  std::string& json_;
};

}  // namespace

void AppendJsonString(absl::string_view text, std::string& json) {
  json.push_back('"');
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (!kMustEscape[c]) continue;
    json.append(text.data() + begin, i - begin);
    begin = i + 1;
    switch (c) {
      case '"':
        json += "\\\"";
        break;
      case '\\':
        json += "\\\\";
        break;
      case '\n':
        json += "\\n";
        break;
      default:
        absl::StrAppendFormat(&json, "\\u%04x", c);
    }
  }
  json.append(text.data() + begin, text.size() - begin);
  json.push_back('"');
}

absl::Status WriteJson(const Message& message, std::string& json) {
  return Writer(json).WriteMessage(message, 0);
}

}  // namespace quartermaster::gateway
