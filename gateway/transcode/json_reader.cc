#include "gateway/transcode/json_reader.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "gateway/transcode/field_values.h"
#include "gateway/transcode/json_scanner.h"
#include "gateway/transcode/nearest.h"
#include "gateway/transcode/well_known.h"
#include "google/protobuf/any.pb.h"
#include "platform/base/status_macros.h"
#include "platform/status/error.h"

namespace quartermaster::gateway {
namespace {

using google::protobuf::Any;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr size_t kViolationsMax = 20;

// Messages have few fields, so looking at each is faster than hashing.
const FieldDescriptor* FindField(const Descriptor& type, const std::string& key) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (field->json_name() == key || field->name() == key) return field;
  }
  return nullptr;
}

// Where the reader is, as a chain of the callers' own frames: written out only when there is
// something to blame.
class Path {
 public:
  Path() = default;
  Path(const Path& parent, absl::string_view name) : parent_(&parent), name_(name) {}
  Path(const Path& parent, size_t index) : parent_(&parent), index_(index) {}

  static Path Key(const Path& parent, absl::string_view key) {
    Path path(parent, key);
    path.is_key_ = true;
    return path;
  }

  std::string ToString() const {
    if (parent_ == nullptr) return "";
    const std::string before = parent_->ToString();
    if (is_key_) return absl::StrCat(before, "[\"", name_, "\"]");
    if (index_.has_value()) return absl::StrCat(before, "[", *index_, "]");
    return before.empty() ? std::string(name_) : absl::StrCat(before, ".", name_);
  }

 private:
  const Path* parent_ = nullptr;
  absl::string_view name_;
  std::optional<size_t> index_;
  bool is_key_ = false;
};

// Which fields of one message were given. The first 64 cost nothing.
class FieldSet {
 public:
  // Returns whether the field is new.
  bool Insert(const FieldDescriptor& field) {
    const auto index = static_cast<size_t>(field.index());
    if (index >= 64) return others_.insert(index).second;
    const bool is_new = (first_ >> index & 1) == 0;
    first_ |= uint64_t{1} << index;
    return is_new;
  }

 private:
  uint64_t first_ = 0;
  std::set<size_t> others_;
};

// What a value is called when another was expected.
absl::string_view NameOfToken(char first) {
  switch (first) {
    case '{':
      return "an object";
    case '[':
      return "an array";
    case '"':
      return "a string";
    case 't':
    case 'f':
      return "a boolean";
    case 'n':
      return "null";
    default:
      return "a number";
  }
}

absl::string_view NameOfType(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return "true or false";
    case FieldDescriptor::CPPTYPE_STRING:
      return field.type() == FieldDescriptor::TYPE_BYTES ? "a base64 string" : "a string";
    case FieldDescriptor::CPPTYPE_ENUM:
      return "the name of an enum value, as a string";
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return "an object";
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      return "a number";
    default:
      return "a whole number, as a number or a string";
  }
}

// One reading of one text. Errors of syntax end it; errors of meaning are collected.
class Reader {
 public:
  explicit Reader(absl::string_view json) : scanner_(json, kJsonDepthMax) {}

  absl::Status Read(Message& message) {
    if (scanner_.Peek() != '{') {
      return scanner_.Malformed("the body must be an object, { … }");
    }
    QM_RETURN_IF_ERROR(ReadMessage(Path(), message));
    if (!scanner_.IsAtEnd()) return scanner_.Malformed("something follows the object");
    if (!violations_.empty()) return status::InvalidFields(std::move(violations_));
    return absl::OkStatus();
  }

 private:
  void Blame(const Path& path, absl::string_view what) {
    if (violations_.size() < kViolationsMax) {
      violations_.push_back({path.ToString(), std::string(what)});
    }
  }

  absl::Status BlameAndSkip(const Path& path, absl::string_view what) {
    Blame(path, what);
    return scanner_.SkipValue();
  }

  absl::Status BlameKindAndSkip(const Path& path, absl::string_view wanted) {
    return BlameAndSkip(path,
                        absl::StrCat("must be ", wanted, ", not ", NameOfToken(scanner_.Peek())));
  }

  // Reads an object. `read_value` is called behind each key, and reads the value.
  template <typename F>
  absl::Status ReadObject(F read_value) {
    std::string key;
    QM_RETURN_IF_ERROR(scanner_.Enter('{'));
    for (bool is_first = true;; is_first = false) {
      bool has_more = false;
      QM_RETURN_IF_ERROR(scanner_.Next('}', is_first, has_more));
      if (!has_more) return absl::OkStatus();
      QM_RETURN_IF_ERROR(scanner_.ReadKey(key));
      QM_RETURN_IF_ERROR(read_value(key));
    }
  }

  absl::Status ReadMessage(const Path& path, Message& message) {
    const WellKnown kind = WellKnownOf(*message.GetDescriptor());
    if (kind == WellKnown::kAny) return ReadAny(path, static_cast<Any&>(message));
    if (kind == WellKnown::kUnsupported) {
      return BlameAndSkip(path, absl::StrCat("a ", message.GetDescriptor()->full_name(),
                                             " cannot be given in JSON"));
    }
    if (kind != WellKnown::kNone) return ReadTextForm(path, kind, message);
    if (scanner_.Peek() != '{') return BlameKindAndSkip(path, "an object");
    return ReadMembers(path, message, /*in_any=*/false);
  }

  absl::Status ReadMembers(const Path& path, Message& message, bool in_any) {
    const Descriptor& type = *message.GetDescriptor();
    FieldSet seen;
    return ReadObject([&](const std::string& key) {
      if (in_any && key == "@type") return scanner_.SkipValue();
      const FieldDescriptor* field = FindField(type, key);
      if (field == nullptr) return BlameAndSkip(Path(path, key), UnknownField(type, key));
      const Path field_path(path, field->name());
      if (!seen.Insert(*field)) return BlameAndSkip(field_path, "is given twice");
      return ReadField(field_path, *field, message);
    });
  }

  static std::string UnknownField(const Descriptor& type, const std::string& key) {
    std::vector<std::string> names;
    for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->json_name());
    const std::string nearest = NearestOf(key, names);
    if (!nearest.empty()) {
      return absl::StrCat("no such field; did you mean \"", nearest, "\"?");
    }
    if (names.empty()) return "no such field; there are none here";
    return absl::StrCat("no such field; there are ", absl::StrJoin(names, ", "));
  }

  absl::Status ReadField(const Path& path, const FieldDescriptor& field, Message& message) {
    if (scanner_.Peek() == 'n') return scanner_.ReadWord("null");
    if (field.is_map()) return ReadMap(path, field, message);
    if (field.is_repeated()) return ReadArray(path, field, message);
    const Reflection& reflection = *message.GetReflection();
    if (const auto* oneof = field.real_containing_oneof();
        oneof != nullptr && reflection.HasOneof(message, oneof)) {
      return BlameAndSkip(path,
                          absl::StrCat("cannot be given together with ",
                                       reflection.GetOneofFieldDescriptor(message, oneof)->name()));
    }
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      return ReadMessage(path, *reflection.MutableMessage(&message, &field));
    }
    return ReadScalar(path, field, message);
  }

  absl::Status ReadArray(const Path& path, const FieldDescriptor& field, Message& message) {
    if (scanner_.Peek() != '[') return BlameKindAndSkip(path, "an array");
    QM_RETURN_IF_ERROR(scanner_.Enter('['));
    for (size_t i = 0;; ++i) {
      bool has_more = false;
      QM_RETURN_IF_ERROR(scanner_.Next(']', i == 0, has_more));
      if (!has_more) return absl::OkStatus();
      const Path element_path(path, i);
      if (scanner_.Peek() == 'n') {
        QM_RETURN_IF_ERROR(BlameAndSkip(element_path, "an array cannot hold null"));
      } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        QM_RETURN_IF_ERROR(
            ReadMessage(element_path, *message.GetReflection()->AddMessage(&message, &field)));
      } else {
        QM_RETURN_IF_ERROR(ReadScalar(element_path, field, message));
      }
    }
  }

  absl::Status ReadMap(const Path& path, const FieldDescriptor& field, Message& message) {
    if (scanner_.Peek() != '{') return BlameKindAndSkip(path, "an object");
    const FieldDescriptor& key_field = *field.message_type()->map_key();
    const FieldDescriptor& value_field = *field.message_type()->map_value();
    std::set<std::string> seen;
    return ReadObject([&](const std::string& key) {
      const Path entry_path = Path::Key(path, key);
      Message& entry = *message.GetReflection()->AddMessage(&message, &field);
      if (const absl::Status set = SetFromText(key_field, key, entry); !set.ok()) {
        Blame(entry_path, set.message());
      }
      if (!seen.insert(key).second) Blame(entry_path, "is given twice");
      if (scanner_.Peek() == 'n') return BlameAndSkip(entry_path, "a map cannot hold null");
      if (value_field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
        return ReadScalar(entry_path, value_field, entry);
      }
      return ReadMessage(entry_path, *entry.GetReflection()->MutableMessage(&entry, &value_field));
    });
  }

  absl::Status ReadTextForm(const Path& path, WellKnown kind, Message& message) {
    if (scanner_.Peek() != '"') return BlameKindAndSkip(path, TextFormOf(kind));
    QM_RETURN_IF_ERROR(scanner_.ReadString(text_));
    if (const absl::Status set = SetTextForm(kind, text_, message); !set.ok()) {
      Blame(path, set.message());
    }
    return absl::OkStatus();
  }

  // The type may come after the fields, so it is looked for first.
  absl::Status ReadAny(const Path& path, Any& any) {
    if (scanner_.Peek() != '{') return BlameKindAndSkip(path, "an object");
    const size_t begin = scanner_.position();
    std::string url;
    QM_RETURN_IF_ERROR(FindTypeUrl(url));
    const Message* prototype = PrototypeOf(url);
    if (prototype == nullptr) {
      Blame(path, url.empty() ? "needs an \"@type\"" : "has an \"@type\" that is not known here");
      return absl::OkStatus();
    }
    scanner_.Rewind(begin);
    const std::unique_ptr<Message> content(prototype->New());
    const WellKnown kind = WellKnownOf(*content->GetDescriptor());
    if (kind == WellKnown::kNone) {
      QM_RETURN_IF_ERROR(ReadMembers(path, *content, /*in_any=*/true));
    } else {
      QM_RETURN_IF_ERROR(ReadAnyValue(path, *content));
    }
    any.set_type_url(url);
    any.set_value(content->SerializeAsString());
    return absl::OkStatus();
  }

  absl::Status FindTypeUrl(std::string& url) {
    return ReadObject([&](const std::string& key) {
      const bool is_url = key == "@type" && url.empty() && scanner_.Peek() == '"';
      return is_url ? scanner_.ReadString(url) : scanner_.SkipValue();
    });
  }

  // A type with a form of its own stands in the member `value`.
  absl::Status ReadAnyValue(const Path& path, Message& content) {
    return ReadObject([&](const std::string& key) {
      if (key == "@type") return scanner_.SkipValue();
      if (key == "value") return ReadMessage(Path(path, key), content);
      return BlameAndSkip(Path(path, key), "no such field; there is value");
    });
  }

  // Sets a singular field, or adds to a repeated one.
  absl::Status ReadScalar(const Path& path, const FieldDescriptor& field, Message& message) {
    const char first = scanner_.Peek();
    const bool is_text_type = field.cpp_type() == FieldDescriptor::CPPTYPE_STRING;
    absl::Status set;
    if (first == '"') {
      QM_RETURN_IF_ERROR(scanner_.ReadString(text_));
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
        Blame(path, "must be true or false, not a string");
        return absl::OkStatus();
      }
      set = SetFromText(field, text_, message);
    } else if ((first == 't' || first == 'f') &&
               field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
      QM_RETURN_IF_ERROR(scanner_.ReadWord(first == 't' ? "true" : "false"));
      set = SetFromText(field, first == 't' ? "true" : "false", message);
    } else if ((first == '-' || (first >= '0' && first <= '9')) && !is_text_type &&
               field.cpp_type() != FieldDescriptor::CPPTYPE_BOOL) {
      absl::string_view number;
      QM_RETURN_IF_ERROR(scanner_.ReadNumber(number));
      set = SetFromText(field, number, message);
    } else {
      return BlameKindAndSkip(path, NameOfType(field));
    }
    if (!set.ok()) Blame(path, set.message());
    return absl::OkStatus();
  }

  JsonScanner scanner_;
  std::vector<status::FieldViolation> violations_;
  std::string text_;
};

}  // namespace

absl::Status ReadJson(absl::string_view json, Message& message) {
  return Reader(json).Read(message);
}

}  // namespace quartermaster::gateway
