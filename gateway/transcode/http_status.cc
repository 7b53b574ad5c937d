#include "gateway/transcode/http_status.h"

#include "gateway/transcode/json_writer.h"
#include "google/rpc/status.pb.h"
#include "platform/base/check.h"
#include "platform/base/utf8.h"
#include "platform/rpc/status_codec.h"

namespace quartermaster::gateway {

int HttpStatusOf(int grpc_code) {
  switch (grpc_code) {
    case 0:  // OK
      return 200;
    case 1:  // CANCELLED: the client went away, as nginx says it
      return 499;
    case 3:   // INVALID_ARGUMENT
    case 9:   // FAILED_PRECONDITION
    case 11:  // OUT_OF_RANGE
      return 400;
    case 4:  // DEADLINE_EXCEEDED
      return 504;
    case 5:  // NOT_FOUND
      return 404;
    case 6:   // ALREADY_EXISTS
    case 10:  // ABORTED
      return 409;
    case 7:  // PERMISSION_DENIED
      return 403;
    case 8:  // RESOURCE_EXHAUSTED
      return 429;
    case 12:  // UNIMPLEMENTED
      return 501;
    case 14:  // UNAVAILABLE
      return 503;
    case 16:  // UNAUTHENTICATED
      return 401;
    default:  // UNKNOWN, INTERNAL, DATA_LOSS and what is no code
      return 500;
  }
}

std::string RenderError(const grpc::Status& error) {
  google::rpc::Status body;
  if (!body.ParseFromString(error.error_details())) body.Clear();
  body.set_code(error.error_code());
  body.set_message(base::CleanUtf8(error.error_message(), error.error_message().size()));
  std::string json;
  if (WriteJson(body, json).ok()) return json;
  body.clear_details();
  json.clear();
  QM_CHECK(WriteJson(body, json).ok());
  return json;
}

std::string RenderError(const absl::Status& error, absl::string_view trace_id) {
  return RenderError(rpc::ToGrpcStatus(error, trace_id));
}

}  // namespace quartermaster::gateway
