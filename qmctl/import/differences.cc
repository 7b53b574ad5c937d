#include "qmctl/import/differences.h"

#include <google/api/field_behavior.pb.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace quartermaster::qmctl {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

bool IsOutputOnly(const FieldDescriptor& field) {
  const auto& options = field.options();
  const int count = options.ExtensionSize(google::api::field_behavior);
  for (int i = 0; i < count; ++i) {
    if (options.GetExtension(google::api::field_behavior, i) == google::api::OUTPUT_ONLY) {
      return true;
    }
  }
  return false;
}

// Renders one value: a message without its braces, text as people read it.
std::string Render(const Message& message, const FieldDescriptor& field, int index) {
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  printer.SetUseUtf8StringEscaping(true);
  std::string text;
  printer.PrintFieldValueToString(message, &field, index, &text);
  return text.empty() ? "nothing" : text;
}

class Comparison {
 public:
  void Compare(const Message& in_books, const Message& wanted, const std::string& path) {
    const auto* descriptor = wanted.GetDescriptor();
    for (int i = 0; i < descriptor->field_count(); ++i) {
      const FieldDescriptor& field = *descriptor->field(i);
      if (IsOutputOnly(field)) continue;
      const std::string here = path.empty() ? field.name() : absl::StrCat(path, ".", field.name());
      if (field.is_repeated()) {
        CompareList(in_books, wanted, field, here);
      } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        // A message that the file leaves out is the server's to fill in.
        if (!wanted.GetReflection()->HasField(wanted, &field)) continue;
        Compare(in_books.GetReflection()->GetMessage(in_books, &field),
                wanted.GetReflection()->GetMessage(wanted, &field), here);
      } else {
        CompareValue(in_books, wanted, field, -1, here);
      }
    }
  }

  std::string Take() { return absl::StrJoin(differences_, "; "); }

 private:
  void CompareList(const Message& in_books, const Message& wanted, const FieldDescriptor& field,
                   const std::string& path) {
    const int in_books_count = in_books.GetReflection()->FieldSize(in_books, &field);
    const int wanted_count = wanted.GetReflection()->FieldSize(wanted, &field);
    if (in_books_count != wanted_count) {
      differences_.push_back(
          absl::StrCat(path, ": the books have ", in_books_count, ", the file has ", wanted_count));
      return;
    }
    for (int i = 0; i < wanted_count; ++i) {
      const std::string here = absl::StrCat(path, "[", i, "]");
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        Compare(in_books.GetReflection()->GetRepeatedMessage(in_books, &field, i),
                wanted.GetReflection()->GetRepeatedMessage(wanted, &field, i), here);
      } else {
        CompareValue(in_books, wanted, field, i, here);
      }
    }
  }

  void CompareValue(const Message& in_books, const Message& wanted, const FieldDescriptor& field,
                    int index, const std::string& path) {
    const std::string left = Render(in_books, field, index);
    const std::string right = Render(wanted, field, index);
    if (left == right) return;
    differences_.push_back(absl::StrCat(path, ": the books have ", left, ", the file has ", right));
  }

  std::vector<std::string> differences_;
};

}  // namespace

std::string DescribeDifferences(const Message& in_books, const Message& wanted) {
  Comparison comparison;
  comparison.Compare(in_books, wanted, "");
  return comparison.Take();
}

}  // namespace quartermaster::qmctl
