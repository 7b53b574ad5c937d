#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "protos/api_files.h"
#include "tests/compat/api_surface.h"

namespace quartermaster::compat {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::set<std::string> ReadPublished() {
  const char* path = std::getenv("QM_API_SURFACE");
  std::ifstream file(path == nullptr ? "" : path);
  std::set<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.insert(line);
  return lines;
}

TEST(CompatTest, NothingThatWasPublishedIsGone) {
  const std::set<std::string> published = ReadPublished();

  ASSERT_FALSE(published.empty());
  EXPECT_THAT(FindBroken(published, DescribeApi(ApiFiles())), IsEmpty());
}

// A line that was never published could be changed without anyone seeing it.
TEST(CompatTest, EverythingNewIsPublished) {
  EXPECT_THAT(FindBroken(DescribeApi(ApiFiles()), ReadPublished()), IsEmpty())
      << "add these lines to tests/compat/api.txt";
}

// Goal: the check sees what breaks a client. Method: a small API, and a copy of it with one field
// renumbered, one enum value renamed and one method gone.
TEST(CompatTest, SeesARenumberedFieldARenamedValueAndAMissingMethod) {
  google::protobuf::FileDescriptorProto file;
  file.set_name("a.proto");
  file.set_package("a");
  file.set_syntax("proto3");
  auto& message = *file.add_message_type();
  message.set_name("M");
  auto& field = *message.add_field();
  field.set_name("f");
  field.set_number(1);
  field.set_label(google::protobuf::FieldDescriptorProto::LABEL_OPTIONAL);
  field.set_type(google::protobuf::FieldDescriptorProto::TYPE_INT64);
  auto& type = *file.add_enum_type();
  type.set_name("E");
  auto& value = *type.add_value();
  value.set_name("ZERO");
  value.set_number(0);
  auto& service = *file.add_service();
  service.set_name("S");
  auto& method = *service.add_method();
  method.set_name("Get");
  method.set_input_type(".a.M");
  method.set_output_type(".a.M");
  google::protobuf::DescriptorPool before;
  const std::set<std::string> published = DescribeApi({before.BuildFile(file)});

  field.set_number(2);
  value.set_name("NONE");
  service.clear_method();
  google::protobuf::DescriptorPool after;
  const std::set<std::string> today = DescribeApi({after.BuildFile(file)});

  EXPECT_THAT(
      FindBroken(published, today),
      ElementsAre("enum a.E ZERO = 0", "field a.M.f = 1 int64", "method a.S.Get a.M -> a.M []"));
}

}  // namespace
}  // namespace quartermaster::compat
