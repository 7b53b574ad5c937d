#include "tests/load/json_connection.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gateway/transcode/json_writer.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"

namespace quartermaster::load {
namespace {

constexpr char kHeadEnd[] = "\r\n\r\n";
constexpr char kVersion[] = "HTTP/1.1 ";

}  // namespace

absl::StatusOr<std::unique_ptr<Connection>> JsonConnection::Open(const Target& target,
                                                                 const Options& options,
                                                                 absl::Time deadline) {
  QM_CHECK(target.is_plaintext());
  QM_ASSIGN_OR_RETURN(std::unique_ptr<Wire> wire, Wire::Open(target, deadline));
  auto connection = std::unique_ptr<JsonConnection>(new JsonConnection(std::move(wire)));
  connection->head_ = absl::StrCat("POST ", options.path, " HTTP/1.1\r\nHost: ", target.address,
                                   "\r\nContent-Type: application/json\r\n");
  for (const auto& [name, value] : options.metadata) {
    absl::StrAppend(&connection->head_, name, ": ", value, "\r\n");
  }
  connection->head_ += "Content-Length: ";
  return connection;
}

void JsonConnection::Start(int call, const google::protobuf::Message& request) {
  call_ = call;
  body_.clear();
  // A tenth of what protobuf's own printer costs.
  QM_CHECK(gateway::WriteJson(request, body_).ok());
  // In the clear it cannot fail.
  QM_CHECK(wire_->Write(absl::StrCat(head_, body_.size(), kHeadEnd, body_)).ok());
}

absl::Status JsonConnection::Read(std::vector<Answer>& answers) {
  QM_RETURN_IF_ERROR(wire_->Read([this](const uint8_t* bytes, size_t count) {
    received_.append(reinterpret_cast<const char*>(bytes), count);
    return absl::OkStatus();
  }));
  const size_t head_size = received_.find(kHeadEnd);
  if (head_size == std::string::npos) return absl::OkStatus();
  QM_ASSIGN_OR_RETURN(const Head head,
                      ParseHead(absl::string_view(received_).substr(0, head_size)));
  const size_t size = head.size + head.body_size;
  if (received_.size() < size) return absl::OkStatus();
  if (!call_.has_value() || received_.size() > size) {
    return absl::UnavailableError("more answers than calls");
  }
  answers.push_back(
      {.call = *call_,
       .status = OutcomeOf(head.http_status, absl::string_view(received_).substr(head.size))});
  call_.reset();
  received_.clear();
  return absl::OkStatus();
}

absl::StatusOr<JsonConnection::Head> JsonConnection::ParseHead(absl::string_view head) {
  Head parsed = {.size = head.size() + sizeof(kHeadEnd) - 1};
  bool has_length = false;
  for (absl::string_view line : absl::StrSplit(head, "\r\n")) {
    if (absl::ConsumePrefix(&line, kVersion)) {
      if (!absl::SimpleAtoi(line.substr(0, 3), &parsed.http_status)) break;
    } else if (absl::StartsWithIgnoreCase(line, "content-length:")) {
      has_length = absl::SimpleAtoi(line.substr(line.find(':') + 1), &parsed.body_size);
    }
  }
  if (parsed.http_status == 0 || !has_length) {
    return absl::UnavailableError(absl::StrCat("not an answer of known length: ", head));
  }
  return parsed;
}

absl::Status JsonConnection::OutcomeOf(int http_status, absl::string_view body) {
  if (http_status == 200) return absl::OkStatus();
  google::protobuf::Struct error;
  if (google::protobuf::util::JsonStringToMessage({body.data(), body.size()}, &error).ok()) {
    const auto message = error.fields().find("message");
    if (message != error.fields().end()) {
      return absl::UnknownError(message->second.string_value());
    }
  }
  return absl::UnknownError(absl::StrCat("HTTP status ", http_status, ": ", body));
}

}  // namespace quartermaster::load
