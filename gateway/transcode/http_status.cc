#include "gateway/transcode/http_status.h"

#include "absl/strings/str_cat.h"
#include "gateway/transcode/json_writer.h"
#include "platform/base/utf8.h"

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

std::string RenderError(const google::rpc::Status& error) {
  std::string json;
  if (WriteJson(error, json).ok()) return json;
  json = absl::StrCat("{\"code\":", error.code(), ",\"message\":");
  AppendJsonString(base::CleanUtf8(error.message(), error.message().size()), json);
  json += ",\"details\":[]}";
  return json;
}

}  // namespace quartermaster::gateway
