#include "tests/history/stock_door.h"

#include <google/protobuf/util/json_util.h>
#include <grpcpp/generic/generic_stub.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "google/api/annotations.pb.h"
#include "google/rpc/status.pb.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"
#include "platform/rpc/status_codec.h"
#include "tests/harness/http_client.h"

namespace quartermaster::testing {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;

// No two methods share a request message.
const MethodDescriptor& MethodOf(const Message& request) {
  const google::protobuf::FileDescriptor& file = *request.GetDescriptor()->file();
  const MethodDescriptor* found = nullptr;
  for (int i = 0; i < file.service_count(); ++i) {
    for (int j = 0; j < file.service(i)->method_count(); ++j) {
      const MethodDescriptor* const method = file.service(i)->method(j);
      if (method->input_type() == request.GetDescriptor()) found = method;
    }
  }
  QM_CHECK(found != nullptr);
  return *found;
}

class GrpcDoor final : public StockDoor {
 public:
  GrpcDoor(std::shared_ptr<grpc::Channel> channel,
           std::function<void(grpc::ClientContext&)> prepare)
      : channel_(std::move(channel)), prepare_(std::move(prepare)) {}

  absl::Status Call(const Message& request, absl::Time deadline, Message& response) override {
    const MethodDescriptor& method = MethodOf(request);
    grpc::ClientContext context;
    // A call that fails at once does not drive its channel's reconnection; one that waits does.
    context.set_wait_for_ready(true);
    context.set_deadline(absl::ToChronoTime(deadline));
    prepare_(context);
    const grpc::Slice bytes(request.SerializeAsString());
    const grpc::ByteBuffer asked(&bytes, 1);
    grpc::GenericStub stub(channel_);
    grpc::CompletionQueue queue;
    const auto call = stub.PrepareUnaryCall(
        &context, absl::StrCat("/", method.service()->full_name(), "/", method.name()), asked,
        &queue);
    call->StartCall();
    grpc::ByteBuffer answered;
    grpc::Status status;
    call->Finish(&answered, &status, nullptr);
    void* tag = nullptr;
    bool is_done = false;
    QM_CHECK(queue.Next(&tag, &is_done));
    if (!status.ok()) return rpc::FromGrpcStatus(status);
    return Parse(answered, response);
  }

 private:
  static absl::Status Parse(const grpc::ByteBuffer& answered, Message& response) {
    std::vector<grpc::Slice> slices;
    std::string bytes;
    if (answered.Dump(&slices).ok()) {
      for (const grpc::Slice& slice : slices) {
        bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
      }
      if (response.ParseFromString(bytes)) return absl::OkStatus();
    }
    return absl::DataLossError(absl::StrCat("no ", response.GetTypeName()));
  }

  const std::shared_ptr<grpc::Channel> channel_;
  const std::function<void(grpc::ClientContext&)> prepare_;
};

class JsonDoor final : public StockDoor {
 public:
  JsonDoor(std::string address, std::string token)
      : address_(std::move(address)), headers_{{"Authorization", absl::StrCat("Bearer ", token)}} {}

  absl::Status Call(const Message& request, absl::Time deadline, Message& response) override {
    const google::api::HttpRule& rule = MethodOf(request).options().GetExtension(google::api::http);
    const bool is_get = !rule.get().empty();
    const std::unique_ptr<Message> rest(request.New());
    rest->CopyFrom(request);
    std::string target = TakePath(is_get ? rule.get() : rule.post(), *rest);
    std::string body;
    if (is_get) {
      target += QueryOf(*rest);
    } else {
      QM_CHECK(google::protobuf::util::MessageToJsonString(*rest, &body).ok());
    }
    const HttpReply reply =
        SendHttp(address_, is_get ? "GET" : "POST", target, headers_, body, deadline - absl::Now());
    if (reply.status == 0) return absl::UnavailableError(reply.body);
    if (reply.status != 200) return ErrorOf(reply);
    return Parse(reply, response);
  }

 private:
  // Puts the fields that the template names into it, and takes them out of the message.
  static std::string TakePath(const std::string& path_template, Message& message) {
    const size_t open = path_template.find('{');
    if (open == std::string::npos) return path_template;
    const size_t equals = path_template.find('=', open);
    const size_t close = path_template.find('}', open);
    const FieldDescriptor* const field =
        message.GetDescriptor()->FindFieldByName(path_template.substr(open + 1, equals - open - 1));
    const std::string value = message.GetReflection()->GetString(message, field);
    message.GetReflection()->ClearField(&message, field);
    return absl::StrCat(path_template.substr(0, open), value, path_template.substr(close + 1));
  }

  // Renders the fields that are set; clerks ask by texts and numbers alone, which need no escapes.
  static std::string QueryOf(const Message& message) {
    std::vector<const FieldDescriptor*> fields;
    message.GetReflection()->ListFields(message, &fields);
    std::string query;
    for (const FieldDescriptor* const field : fields) {
      const bool is_text = field->type() == FieldDescriptor::TYPE_STRING;
      QM_CHECK(is_text || field->type() == FieldDescriptor::TYPE_INT32);
      absl::StrAppend(&query, query.empty() ? "?" : "&", field->json_name(), "=");
      if (is_text) {
        query += message.GetReflection()->GetString(message, field);
      } else {
        absl::StrAppend(&query, message.GetReflection()->GetInt32(message, field));
      }
    }
    return query;
  }

  static absl::Status Parse(const HttpReply& reply, Message& message) {
    if (google::protobuf::util::JsonStringToMessage(reply.body, &message).ok()) {
      return absl::OkStatus();
    }
    return absl::DataLossError(
        absl::StrCat("no ", message.GetTypeName(), " but ", reply.status, " ", reply.body));
  }

  static absl::Status ErrorOf(const HttpReply& reply) {
    google::rpc::Status error;
    QM_RETURN_IF_ERROR(Parse(reply, error));
    return rpc::FromGrpcStatus(grpc::Status(static_cast<grpc::StatusCode>(error.code()),
                                            error.message(), error.SerializeAsString()));
  }

  const std::string address_;
  const HttpHeaders headers_;
};

}  // namespace

std::unique_ptr<StockDoor> MakeGrpcDoor(std::shared_ptr<grpc::Channel> channel,
                                        std::function<void(grpc::ClientContext&)> prepare) {
  return std::make_unique<GrpcDoor>(std::move(channel), std::move(prepare));
}

std::unique_ptr<StockDoor> MakeJsonDoor(std::string address, std::string token) {
  return std::make_unique<JsonDoor>(std::move(address), std::move(token));
}

}  // namespace quartermaster::testing
