#include "platform/rpc/status_codec.h"

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "platform/base/utf8.h"
#include "platform/status/error.h"

namespace quartermaster::rpc {
namespace {

using status::ErrorDetail;

// The message goes percent-encoded (three bytes for one, at worst) and once more inside the
// details, which go in base64 (four for three): together below 8 KB whatever they hold.
constexpr size_t kMessageBytesMax = 1024;
constexpr size_t kDetailBytesMax = 2048;
constexpr size_t kValueBytesMax = 512;

bool IsOurFault(absl::StatusCode code) {
  return code == absl::StatusCode::kInternal || code == absl::StatusCode::kUnknown ||
         code == absl::StatusCode::kDataLoss;
}

// Counts down while parts are added; what does not fit is left out.
class Budget {
 public:
  bool Take(size_t bytes) {
    if (bytes > left_) return false;
    left_ -= bytes;
    return true;
  }

 private:
  size_t left_ = kDetailBytesMax;
};

void AddErrorInfo(const ErrorDetail& detail, Budget& budget, google::rpc::Status& out) {
  google::rpc::ErrorInfo info;
  info.set_reason(base::CleanUtf8(detail.reason, kValueBytesMax));
  info.set_domain(kErrorDomain);
  for (const auto& [key, value] : detail.metadata) {
    const std::string clean = base::CleanUtf8(value, kValueBytesMax);
    if (budget.Take(key.size() + clean.size())) (*info.mutable_metadata())[key] = clean;
  }
  out.add_details()->PackFrom(info);
}

void AddBadRequest(const ErrorDetail& detail, Budget& budget, google::rpc::Status& out) {
  if (detail.field_violations.empty()) return;
  google::rpc::BadRequest bad_request;
  for (const status::FieldViolation& violation : detail.field_violations) {
    const std::string field = base::CleanUtf8(violation.field, kValueBytesMax);
    const std::string description = base::CleanUtf8(violation.description, kValueBytesMax);
    if (!budget.Take(field.size() + description.size())) break;
    google::rpc::BadRequest::FieldViolation* added = bad_request.add_field_violations();
    added->set_field(field);
    added->set_description(description);
  }
  out.add_details()->PackFrom(bad_request);
}

void AddRetryInfo(const ErrorDetail& detail, google::rpc::Status& out) {
  if (detail.retry_after <= absl::ZeroDuration()) return;
  google::rpc::RetryInfo retry_info;
  const int64_t micros = absl::ToInt64Microseconds(detail.retry_after);
  retry_info.mutable_retry_delay()->set_seconds(micros / 1'000'000);
  retry_info.mutable_retry_delay()->set_nanos(static_cast<int32_t>(micros % 1'000'000) * 1000);
  out.add_details()->PackFrom(retry_info);
}

grpc::Status Render(absl::StatusCode code, absl::string_view message, const ErrorDetail& detail) {
  google::rpc::Status out;
  out.set_code(static_cast<int32_t>(code));
  out.set_message(base::CleanUtf8(message, kMessageBytesMax));
  Budget budget;
  AddErrorInfo(detail, budget, out);
  AddBadRequest(detail, budget, out);
  AddRetryInfo(detail, out);
  return grpc::Status(static_cast<grpc::StatusCode>(code), out.message(), out.SerializeAsString());
}

}  // namespace

bool IsHidden(const absl::Status& status) {
  return !status.ok() && (IsOurFault(status.code()) || status::GetReason(status).empty());
}

grpc::Status ToGrpcStatus(const absl::Status& status, absl::string_view trace_id) {
  if (status.ok()) return grpc::Status::OK;
  if (!IsHidden(status)) {
    return Render(status.code(), status.message(), status::GetErrorDetail(status));
  }
  const ErrorDetail trace = {.metadata = {{"trace_id", std::string(trace_id)}}};
  if (IsOurFault(status.code())) {
    ErrorDetail detail = trace;
    detail.reason = "INTERNAL";
    return Render(absl::StatusCode::kInternal, absl::StrCat("internal error, trace ", trace_id),
                  detail);
  }
  ErrorDetail detail = trace;
  detail.reason = absl::StatusCodeToString(status.code());
  return Render(status.code(), absl::StrCat("the call failed, trace ", trace_id), detail);
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  google::rpc::Status details;
  if (status.error_details().empty() || !details.ParseFromString(status.error_details())) {
    return absl::Status(code, status.error_message());
  }
  ErrorDetail detail;
  for (const google::protobuf::Any& any : details.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad_request;
    google::rpc::RetryInfo retry_info;
    if (any.UnpackTo(&info) && info.domain() == kErrorDomain) {
      detail.reason = info.reason();
      detail.metadata.assign(info.metadata().begin(), info.metadata().end());
      std::ranges::sort(detail.metadata);
    } else if (any.UnpackTo(&bad_request)) {
      for (const auto& violation : bad_request.field_violations()) {
        detail.field_violations.push_back({violation.field(), violation.description()});
      }
    } else if (any.UnpackTo(&retry_info)) {
      detail.retry_after = absl::Seconds(retry_info.retry_delay().seconds()) +
                           absl::Nanoseconds(retry_info.retry_delay().nanos());
    }
  }
  return status::MakeError(code, status.error_message(), detail);
}

}  // namespace quartermaster::rpc
