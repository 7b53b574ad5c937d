#include "platform/status/error.h"

#include <optional>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "platform/values/canonical.h"

namespace quartermaster::status {
namespace {

constexpr char kPayloadUrl[] = "quartermaster/error-detail";

// What the payload holds: the detail with its pairs flattened.
struct Payload {
  std::string reason;
  std::vector<std::string> metadata;
  std::vector<std::string> violations;
  int64_t retry_after_micros = 0;
};

template <typename V>
void VisitFields(V& visit, Payload& payload) {
  visit(payload.reason, payload.metadata, payload.violations, payload.retry_after_micros);
}

}  // namespace

absl::Status MakeError(absl::StatusCode code, absl::string_view message,
                       const ErrorDetail& detail) {
  QM_CHECK(code != absl::StatusCode::kOk);
  Payload payload{.reason = detail.reason,
                  .retry_after_micros = absl::ToInt64Microseconds(detail.retry_after)};
  for (const auto& [key, value] : detail.metadata) {
    payload.metadata.push_back(key);
    payload.metadata.push_back(value);
  }
  for (const FieldViolation& violation : detail.field_violations) {
    payload.violations.push_back(violation.field);
    payload.violations.push_back(violation.description);
  }
  absl::Status status(code, message);
  status.SetPayload(kPayloadUrl, absl::Cord(canonical::Encode("error.1", payload)));
  return status;
}

ErrorDetail GetErrorDetail(const absl::Status& status) {
  const absl::optional<absl::Cord> bytes = status.GetPayload(kPayloadUrl);
  if (!bytes.has_value()) return {};
  const absl::StatusOr<Payload> payload =
      canonical::Decode<Payload>("error.1", std::string(*bytes));
  QM_CHECK(payload.ok());
  ErrorDetail detail{.reason = payload->reason,
                     .retry_after = absl::Microseconds(payload->retry_after_micros)};
  for (size_t i = 0; i + 1 < payload->metadata.size(); i += 2) {
    detail.metadata.emplace_back(payload->metadata[i], payload->metadata[i + 1]);
  }
  for (size_t i = 0; i + 1 < payload->violations.size(); i += 2) {
    detail.field_violations.push_back({payload->violations[i], payload->violations[i + 1]});
  }
  return detail;
}

std::string GetReason(const absl::Status& status) { return GetErrorDetail(status).reason; }

absl::Status InvalidFields(std::vector<FieldViolation> violations) {
  QM_CHECK(!violations.empty());
  std::string message = absl::StrCat(violations[0].field, ": ", violations[0].description);
  if (violations.size() > 1) absl::StrAppend(&message, " (and ", violations.size() - 1, " more)");
  return MakeError(absl::StatusCode::kInvalidArgument, message,
                   {.reason = "INVALID_FIELD", .field_violations = std::move(violations)});
}

absl::Status CredentialsInvalid(absl::string_view why) {
  return MakeError(absl::StatusCode::kUnauthenticated, why, {.reason = "CREDENTIALS_INVALID"});
}

absl::Status PermissionDenied(absl::string_view permission, absl::string_view resource) {
  return MakeError(
      absl::StatusCode::kPermissionDenied,
      absl::StrCat("you need the permission ", permission, " for ", resource,
                   ", which none of your grants gives"),
      {.reason = "PERMISSION_DENIED",
       .metadata = {{"permission", std::string(permission)}, {"resource", std::string(resource)}}});
}

absl::Status Overloaded(absl::string_view what, absl::Duration retry_after) {
  return MakeError(absl::StatusCode::kResourceExhausted,
                   absl::StrCat(what, "; try again in ", absl::FormatDuration(retry_after)),
                   {.reason = "OVERLOADED", .retry_after = retry_after});
}

absl::Status StorageUnavailable(absl::string_view why) {
  return MakeError(absl::StatusCode::kUnavailable,
                   absl::StrCat("the database cannot be used: ", why),
                   {.reason = "STORAGE_UNAVAILABLE"});
}

absl::Status OutcomeUnknown() {
  return MakeError(absl::StatusCode::kUnavailable,
                   "the link to the database broke while it committed; repeat the call with the "
                   "same request_id to learn what became of it",
                   {.reason = "OUTCOME_UNKNOWN"});
}

absl::Status DeadlineExceeded(absl::string_view what) {
  return MakeError(absl::StatusCode::kDeadlineExceeded, absl::StrCat("time ran out: ", what),
                   {.reason = "DEADLINE_EXCEEDED"});
}

absl::Status Internal(absl::string_view cause) {
  return MakeError(absl::StatusCode::kInternal, cause, {.reason = "INTERNAL"});
}

absl::Status RequestIdReused(absl::string_view request_id) {
  return MakeError(
      absl::StatusCode::kAlreadyExists,
      absl::StrCat("request_id ", request_id,
                   " was used before with other content; make a new one for a new "
                   "request"),
      {.reason = "REQUEST_ID_REUSED", .metadata = {{"request_id", std::string(request_id)}}});
}

absl::Status EtagMismatch(absl::string_view resource) {
  return MakeError(
      absl::StatusCode::kAborted,
      absl::StrCat(resource, " was changed since you read it; read it again and repeat"),
      {.reason = "ETAG_MISMATCH", .metadata = {{"resource", std::string(resource)}}});
}

}  // namespace quartermaster::status
