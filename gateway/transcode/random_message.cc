#include "gateway/transcode/random_message.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "gateway/transcode/transcode_test.pb.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace quartermaster::gateway {
namespace {

using google::protobuf::Any;
using google::protobuf::Duration;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::Timestamp;

constexpr int kDepthMax = 4;

class Filler {
 public:
  explicit Filler(std::mt19937_64& random) : random_(random) {}

  void Fill(Message& message, int depth) {
    const std::string& type = message.GetDescriptor()->full_name();
    if (type == "google.protobuf.Timestamp") return FillTimestamp(static_cast<Timestamp&>(message));
    if (type == "google.protobuf.Duration") return FillDuration(static_cast<Duration&>(message));
    if (type == "google.protobuf.Any") return FillAny(static_cast<Any&>(message));
    for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
      const FieldDescriptor& field = *message.GetDescriptor()->field(i);
      if (Below(3) == 0) continue;
      if (!field.is_repeated()) {
        Set(field, message, depth);
      } else {
        for (uint64_t n = Below(4); n > 0; --n) Add(field, message, depth);
      }
    }
  }

 private:
  uint64_t Below(uint64_t limit) { return random_() % limit; }

  template <typename Int>
  Int AnyInt() {
    using Limits = std::numeric_limits<Int>;
    const Int edges[] = {0, 1, static_cast<Int>(-1), Limits::min(), Limits::max(), 10, 100};
    return Below(2) == 0 ? edges[Below(std::size(edges))] : static_cast<Int>(random_());
  }

  // Without -0, whose sign json_util loses.
  double AnyDouble() {
    const double edges[] = {0, 1, -1.5, 0.1, 1e300, 5e-324, 123456789012345680.0};
    if (Below(2) == 0) return edges[Below(std::size(edges))];
    return std::ldexp(static_cast<double>(random_()), static_cast<int>(Below(200)) - 100);
  }

  std::string AnyText() {
    static const std::vector<std::string> pieces = {
        "a",    "Z", "\"", "\\", "/",  "\n", "\t", "\b", "\x1f",   std::string(1, '\0'),
        "<",    ">", "&",  "'",  "粮", "草", "é",  "😀",  "\u2028", "\u2029",
        "\x7f", " ", "{",  "}",  "0"};
    std::string text;
    for (uint64_t n = Below(12); n > 0; --n) text += pieces[Below(pieces.size())];
    return text;
  }

  std::string AnyBytes() {
    std::string bytes;
    for (uint64_t n = Below(9); n > 0; --n) bytes.push_back(static_cast<char>(random_()));
    return bytes;
  }

  int AnyEnum(const FieldDescriptor& field) {
    const auto& type = *field.enum_type();
    return type.value(static_cast<int>(Below(static_cast<uint64_t>(type.value_count()))))->number();
  }

  int32_t AnyNanos() {
    const int32_t edges[] = {0, 500'000'000, 1'000, 1, 999'999'999, 120'000};
    return edges[Below(std::size(edges))];
  }

  void FillTimestamp(Timestamp& timestamp) {
    timestamp.set_seconds(static_cast<int64_t>(Below(253402300800u + 62135596800u)) - 62135596800);
    timestamp.set_nanos(AnyNanos());
  }

  void FillDuration(Duration& duration) {
    const int sign = Below(2) == 0 ? 1 : -1;
    duration.set_seconds(sign * static_cast<int64_t>(Below(315576000000)));
    duration.set_nanos(sign * AnyNanos());
  }

  // The leaf has no zero values: json_util leaves them out inside an Any, against its own option.
  void FillAny(Any& any) {
    test::Leaf leaf;
    leaf.set_name("x" + AnyText());
    leaf.set_amount(AnyInt<int64_t>() | 1);
    Timestamp timestamp;
    FillTimestamp(timestamp);
    any.PackFrom(Below(2) == 0 ? static_cast<const Message&>(leaf) : timestamp);
  }

  void Set(const FieldDescriptor& field, Message& message, int depth) {
    const Reflection& reflection = *message.GetReflection();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return reflection.SetInt32(&message, &field, AnyInt<int32_t>());
      case FieldDescriptor::CPPTYPE_INT64:
        return reflection.SetInt64(&message, &field, AnyInt<int64_t>());
      case FieldDescriptor::CPPTYPE_UINT32:
        return reflection.SetUInt32(&message, &field, AnyInt<uint32_t>());
      case FieldDescriptor::CPPTYPE_UINT64:
        return reflection.SetUInt64(&message, &field, AnyInt<uint64_t>());
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return reflection.SetDouble(&message, &field, AnyDouble());
      case FieldDescriptor::CPPTYPE_FLOAT:
        return reflection.SetFloat(&message, &field, static_cast<float>(AnyInt<int32_t>()) / 8);
      case FieldDescriptor::CPPTYPE_BOOL:
        return reflection.SetBool(&message, &field, Below(2) == 0);
      case FieldDescriptor::CPPTYPE_ENUM:
        return reflection.SetEnumValue(&message, &field, AnyEnum(field));
      case FieldDescriptor::CPPTYPE_STRING:
        return reflection.SetString(
            &message, &field, field.type() == FieldDescriptor::TYPE_BYTES ? AnyBytes() : AnyText());
      case FieldDescriptor::CPPTYPE_MESSAGE:
        if (depth < kDepthMax) Fill(*reflection.MutableMessage(&message, &field), depth + 1);
    }
  }

  void Add(const FieldDescriptor& field, Message& message, int depth) {
    const Reflection& reflection = *message.GetReflection();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return reflection.AddInt32(&message, &field, AnyInt<int32_t>());
      case FieldDescriptor::CPPTYPE_INT64:
        return reflection.AddInt64(&message, &field, AnyInt<int64_t>());
      case FieldDescriptor::CPPTYPE_UINT32:
        return reflection.AddUInt32(&message, &field, AnyInt<uint32_t>());
      case FieldDescriptor::CPPTYPE_UINT64:
        return reflection.AddUInt64(&message, &field, AnyInt<uint64_t>());
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return reflection.AddDouble(&message, &field, AnyDouble());
      case FieldDescriptor::CPPTYPE_FLOAT:
        return reflection.AddFloat(&message, &field, static_cast<float>(AnyInt<int32_t>()) / 8);
      case FieldDescriptor::CPPTYPE_BOOL:
        return reflection.AddBool(&message, &field, Below(2) == 0);
      case FieldDescriptor::CPPTYPE_ENUM:
        return reflection.AddEnumValue(&message, &field, AnyEnum(field));
      case FieldDescriptor::CPPTYPE_STRING:
        return reflection.AddString(
            &message, &field, field.type() == FieldDescriptor::TYPE_BYTES ? AnyBytes() : AnyText());
      case FieldDescriptor::CPPTYPE_MESSAGE:
        if (field.is_map()) return AddEntry(field, message, depth);
        if (depth < kDepthMax) Fill(*reflection.AddMessage(&message, &field), depth + 1);
    }
  }

  // An entry must have both halves, and a key once; a twin replaces the earlier one when the map is
  // read back, so both spellings of it would be right.
  void AddEntry(const FieldDescriptor& field, Message& message, int depth) {
    if (depth >= kDepthMax || message.GetReflection()->FieldSize(message, &field) > 0) return;
    Message& entry = *message.GetReflection()->AddMessage(&message, &field);
    Set(*field.message_type()->map_key(), entry, depth);
    Set(*field.message_type()->map_value(), entry, depth);
  }

  std::mt19937_64& random_;
};

}  // namespace

void FillAtRandom(std::mt19937_64& random, Message& message, int depth) {
  Filler(random).Fill(message, depth);
}

}  // namespace quartermaster::gateway
