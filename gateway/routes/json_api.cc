#include "gateway/routes/json_api.h"

#include <google/protobuf/message.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/transcode/http_status.h"
#include "gateway/transcode/json_writer.h"
#include "gateway/transcode/request_binder.h"
#include "platform/base/status_macros.h"
#include "platform/rpc/status_codec.h"
#include "platform/status/error.h"

namespace quartermaster::gateway {
namespace {

using google::protobuf::Message;
using google::protobuf::MessageFactory;
using google::protobuf::MethodDescriptor;

constexpr char kJson[] = "application/json";

HttpResponse RenderRefusal(int http_status, const grpc::Status& refusal,
                           absl::string_view trace_id) {
  HttpResponse response{.status = http_status, .body = RenderError(refusal)};
  response.headers = {{"Content-Type", kJson}, {"X-Request-Id", std::string(trace_id)}};
  if (http_status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  const absl::Duration retry_after =
      status::GetErrorDetail(rpc::FromGrpcStatus(refusal)).retry_after;
  if (retry_after > absl::ZeroDuration()) {
    const int64_t seconds = absl::ToInt64Seconds(absl::Ceil(retry_after, absl::Seconds(1)));
    response.headers.emplace_back("Retry-After", absl::StrCat(seconds));
  }
  return response;
}

absl::Status PathMalformed() {
  return status::MakeError(absl::StatusCode::kInvalidArgument,
                           "the path is not well percent-encoded, or holds an encoded slash, a "
                           "control character, \".\" or \"..\"",
                           {.reason = "PATH_MALFORMED"});
}

absl::Status PathUnknown(const HttpRequest& request, const RouteMatch& match) {
  status::ErrorDetail detail{.reason = "PATH_UNKNOWN"};
  std::string message = absl::StrCat("no method has the path ", request.path.substr(0, 200));
  if (!match.nearest.empty()) {
    absl::StrAppend(&message, "; did you mean ", match.nearest, "?");
    detail.metadata = {{"nearest", match.nearest}};
  }
  return status::MakeError(absl::StatusCode::kNotFound, message, detail);
}

absl::Status HttpMethodNotAllowed(const HttpRequest& request, absl::string_view allow) {
  return status::MakeError(
      absl::StatusCode::kUnimplemented,
      absl::StrCat("the path ", request.path.substr(0, 200), " takes ", allow, ", not ",
                   request.method),
      {.reason = "HTTP_METHOD_NOT_ALLOWED", .metadata = {{"allow", std::string(allow)}}});
}

absl::Status ContentTypeNotJson() {
  return status::MakeError(absl::StatusCode::kInvalidArgument,
                           "the body must be JSON and say so: Content-Type: application/json "
                           "(with curl: --json, or -H 'Content-Type: application/json')",
                           {.reason = "CONTENT_TYPE_NOT_JSON"});
}

// A body without a type is taken for what it should be.
bool IsJsonType(absl::string_view content_type) {
  const absl::string_view type =
      absl::StripAsciiWhitespace(content_type.substr(0, content_type.find(';')));
  return type.empty() || absl::EqualsIgnoreCase(type, kJson);
}

absl::StatusOr<std::string> RenderAnswer(const MethodDescriptor& method,
                                         const grpc::ByteBuffer& bytes) {
  const std::unique_ptr<Message> answer(
      MessageFactory::generated_factory()->GetPrototype(method.output_type())->New());
  grpc::Slice slice;
  if (!bytes.TrySingleSlice(&slice).ok() && !bytes.DumpToSingleSlice(&slice).ok()) {
    return status::Internal("the answer cannot be read");
  }
  if (!answer->ParseFromArray(slice.begin(), static_cast<int>(slice.size()))) {
    return status::Internal("the answer is not the message it should be");
  }
  std::string json;
  QM_RETURN_IF_ERROR(WriteJson(*answer, json));
  return json;
}

}  // namespace

void JsonApi::OnRefused(const absl::Status& why) {
  parts_.log.Record({.method = "unknown", .protocol = "http"}, rpc::ToGrpcStatus(why, ""));
}

std::optional<HttpResponse> JsonApi::Refuse(HttpRequest& request) {
  const base::TraceContext trace = TakeTrace(request.Header("traceparent"));
  const absl::StatusOr<base::Caller> caller =
      parts_.gate.Authenticate(request.Header("authorization"));
  const auto refuse = [&](int http_status, const absl::Status& why,
                          absl::string_view method = "unknown") {
    const grpc::Status refusal = rpc::ToGrpcStatus(why, trace.trace_id);
    parts_.log.Record({.method = method,
                       .protocol = "http",
                       .caller = caller.ok() ? caller->name : "",
                       .trace_id = trace.trace_id},
                      refusal);
    return RenderRefusal(http_status, refusal, trace.trace_id);
  };
  if (!caller.ok()) return refuse(401, caller.status());
  request.caller = caller->name;

  const RouteMatch match = parts_.routes.Match(request.method, request.path);
  if (match.outcome == RouteMatch::Outcome::kMalformed) return refuse(400, PathMalformed());
  if (match.outcome == RouteMatch::Outcome::kNotFound) {
    return refuse(404, PathUnknown(request, match));
  }
  if (match.outcome == RouteMatch::Outcome::kMethodNotAllowed) {
    const std::string allow = absl::StrJoin(match.allow, ", ");
    HttpResponse response = refuse(405, HttpMethodNotAllowed(request, allow));
    response.headers.emplace_back("Allow", allow);
    return response;
  }
  const rpc::MethodInfo& info = parts_.methods.FindByDescriptor(match.route->method)->info;
  if (!caller->MayAnywhere(info.permission, parts_.gate.clock().Now())) {
    return refuse(403, status::PermissionDenied(info.permission, info.name), info.name);
  }
  if (request.HasBody() && !IsJsonType(request.Header("content-type"))) {
    return refuse(415, ContentTypeNotJson(), info.name);
  }
  return std::nullopt;
}

// One call from its body on.
class JsonApi::Call {
 public:
  Call(const Parts& parts, std::shared_ptr<HttpExchange> exchange)
      : parts_(parts), exchange_(std::move(exchange)), start_(parts.gate.clock().Now()) {}

  static void Run(std::shared_ptr<Call> self, const HttpRequest& request) {
    const absl::StatusOr<grpc::ByteBuffer> bytes = self->Prepare(request);
    if (!bytes.ok()) return self->End(self->ToGrpc(bytes.status()));
    const GatewayMethod& method = *self->method_;
    Upstream& upstream = *self->parts_.upstreams.at(method.owner);
    const std::shared_ptr<Upstream::Flight> flight =
        upstream.Forward(method.path, self->call_, *bytes,
                         [self](const grpc::Status& status, grpc::ByteBuffer& response) {
                           self->OnAnswer(status, response);
                         });
    self->exchange_->OnGone([flight] { flight->Cancel(); });
  }

 private:
  absl::StatusOr<grpc::ByteBuffer> Prepare(const HttpRequest& request) {
    call_.call.trace = TakeTrace(request.Header("traceparent"));
    const RouteMatch match = parts_.routes.Match(request.method, request.path);
    // `Refuse` has let the request in, so it has a method.
    method_ = parts_.methods.FindByDescriptor(match.route->method);
    QM_RETURN_IF_ERROR(parts_.gate.Admit(
        *method_, {.authorization = std::string(request.Header("authorization"))}, call_));
    QM_ASSIGN_OR_RETURN(const std::unique_ptr<Message> message,
                        BindRequest(match, request.query, request.body));
    const grpc::Slice slice(message->SerializeAsString());
    return grpc::ByteBuffer(&slice, 1);
  }

  grpc::Status ToGrpc(const absl::Status& status) const {
    return rpc::ToGrpcStatus(status, call_.call.trace.trace_id);
  }

  void OnAnswer(const grpc::Status& status, const grpc::ByteBuffer& response) {
    if (!status.ok()) return End(status);
    absl::StatusOr<std::string> json = RenderAnswer(*method_->descriptor, response);
    if (!json.ok()) return End(ToGrpc(json.status()));
    Record(grpc::Status::OK);
    exchange_->Respond(
        {.headers = {{"Content-Type", kJson}, {"X-Request-Id", call_.call.trace.trace_id}},
         .body = *std::move(json)});
  }

  void End(const grpc::Status& status) {
    Record(status);
    exchange_->Respond(
        RenderRefusal(HttpStatusOf(status.error_code()), status, call_.call.trace.trace_id));
  }

  void Record(const grpc::Status& status) {
    parts_.log.Record({.method = method_->info.name,
                       .protocol = "http",
                       .caller = call_.call.caller.name,
                       .trace_id = call_.call.trace.trace_id,
                       .duration = parts_.gate.clock().Now() - start_},
                      status);
  }

  const Parts& parts_;
  const std::shared_ptr<HttpExchange> exchange_;
  const absl::Time start_;
  const GatewayMethod* method_ = nullptr;
  EdgeCall call_;
};

void JsonApi::Handle(HttpRequest request, std::shared_ptr<HttpExchange> exchange) {
  Call::Run(std::make_shared<Call>(parts_, std::move(exchange)), request);
}

}  // namespace quartermaster::gateway
