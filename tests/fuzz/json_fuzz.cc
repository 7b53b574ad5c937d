// JSON bodies. The first line names a message type, the rest is the body.
//
// Whatever is read can be written, and what was written reads back as the same message.

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "gateway/transcode/json_reader.h"
#include "gateway/transcode/json_writer.h"
#include "gateway/transcode/transcode_test.pb.h"
#include "google/protobuf/message.h"
#include "google/protobuf/util/message_differencer.h"
#include "platform/base/check.h"
#include "protos/api_files.h"
#include "tests/fuzz/fuzz.h"

namespace quartermaster::testing {
namespace {

std::unique_ptr<google::protobuf::Message> NewMessage(absl::string_view type) {
  // That of the tests is not among the files of the API.
  static const auto* const everything = gateway::test::Everything::descriptor();
  static const auto* const pool = ApiFiles().front()->pool();
  const auto* descriptor = pool->FindMessageTypeByName(std::string(type));
  if (descriptor == nullptr) descriptor = everything;
  return std::unique_ptr<google::protobuf::Message>(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor)->New());
}

}  // namespace

void TryInput(absl::string_view input) {
  const size_t end = input.find('\n');
  if (end == absl::string_view::npos) return;
  const auto message = NewMessage(input.substr(0, end));
  const absl::Status read = gateway::ReadJson(input.substr(end + 1), *message);
  if (!read.ok()) {
    QM_CHECK(absl::IsInvalidArgument(read));
    return;
  }
  std::string written;
  // Times outside the years 1 to 9999 are refused when they are read.
  QM_CHECK(gateway::WriteJson(*message, written).ok());
  const std::unique_ptr<google::protobuf::Message> again(message->New());
  QM_CHECK(gateway::ReadJson(written, *again).ok());
  google::protobuf::util::MessageDifferencer differencer;
  google::protobuf::util::DefaultFieldComparator comparator;
  comparator.set_treat_nan_as_equal(true);
  differencer.set_field_comparator(&comparator);
  QM_CHECK(differencer.Compare(*message, *again));
}

}  // namespace quartermaster::testing
