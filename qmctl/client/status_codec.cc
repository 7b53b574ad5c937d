#include "qmctl/client/status_codec.h"

#include <google/rpc/error_details.pb.h>

#include "platform/status/error.h"

namespace quartermaster::qmctl {
namespace {

void ReadDetail(const google::protobuf::Any& any, status::ErrorDetail& detail) {
  google::rpc::ErrorInfo info;
  google::rpc::BadRequest bad_request;
  google::rpc::RetryInfo retry;
  if (any.UnpackTo(&info)) {
    detail.reason = info.reason();
    // A map has no order; sorted, the same error reads the same twice.
    const std::map<std::string, std::string> sorted(info.metadata().begin(), info.metadata().end());
    detail.metadata.assign(sorted.begin(), sorted.end());
  } else if (any.UnpackTo(&bad_request)) {
    for (const auto& violation : bad_request.field_violations()) {
      detail.field_violations.push_back({violation.field(), violation.description()});
    }
  } else if (any.UnpackTo(&retry)) {
    detail.retry_after = absl::Seconds(retry.retry_delay().seconds()) +
                         absl::Nanoseconds(retry.retry_delay().nanos());
  }
}

absl::StatusCode ToCode(int code) {
  // Codes beyond UNAUTHENTICATED are not gRPC's; absl numbers the others as gRPC does.
  return code > 0 && code <= 16 ? static_cast<absl::StatusCode>(code) : absl::StatusCode::kUnknown;
}

}  // namespace

absl::Status DecodeStatus(const google::rpc::Status& status) {
  if (status.code() == 0) return absl::OkStatus();
  status::ErrorDetail detail;
  for (const google::protobuf::Any& any : status.details()) ReadDetail(any, detail);
  return status::MakeError(ToCode(status.code()), status.message(), detail);
}

absl::Status DecodeStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status rich;
  if (!rich.ParseFromString(status.error_details())) rich.Clear();
  rich.set_code(status.error_code());
  rich.set_message(status.error_message());
  return DecodeStatus(rich);
}

}  // namespace quartermaster::qmctl
