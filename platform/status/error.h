#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace quartermaster::status {

// One field of a request that breaks its documented format.
struct FieldViolation {
  // Path from the request, in proto names: `lines[2].quantity.amount`.
  std::string field;
  // What is wrong with it, with the value, and what would be right.
  std::string description;

  friend bool operator==(const FieldViolation&, const FieldViolation&) = default;
};

// What a program may read of an error, beside code and message. On the wire: `ErrorInfo`,
// `BadRequest` and `RetryInfo` of google.rpc.
struct ErrorDetail {
  // UPPER_SNAKE, documented at the method that returns it. Never empty in what a service answers.
  std::string reason;
  // Every dynamic part of the message, so that nobody parses prose.
  std::vector<std::pair<std::string, std::string>> metadata = {};
  std::vector<FieldViolation> field_violations = {};
  // Positive when the caller should wait that long before it tries again.
  absl::Duration retry_after = absl::ZeroDuration();

  friend bool operator==(const ErrorDetail&, const ErrorDetail&) = default;
};

// Makes an error that carries `detail` through every layer. `code` must not be OK.
absl::Status MakeError(absl::StatusCode code, absl::string_view message, const ErrorDetail& detail);

// Returns what `MakeError` put in; an empty detail for a status that was made otherwise.
ErrorDetail GetErrorDetail(const absl::Status& status);

// Returns the reason alone; empty if there is none.
std::string GetReason(const absl::Status& status);

// INVALID_ARGUMENT, `INVALID_FIELD`: every field that breaks its format.
absl::Status InvalidFields(std::vector<FieldViolation> violations);
// UNAUTHENTICATED, `CREDENTIALS_INVALID`. `why` must not repeat the credential.
absl::Status CredentialsInvalid(absl::string_view why);
// PERMISSION_DENIED, `PERMISSION_DENIED`. Tells the permission, never whether anything exists.
absl::Status PermissionDenied(absl::string_view permission, absl::string_view resource);
// RESOURCE_EXHAUSTED, `OVERLOADED`.
absl::Status Overloaded(absl::string_view what, absl::Duration retry_after);
// UNAVAILABLE, `STORAGE_UNAVAILABLE`.
absl::Status StorageUnavailable(absl::string_view why);
// UNAVAILABLE, `OUTCOME_UNKNOWN`: it may or may not be in the books; the same request id will tell.
absl::Status OutcomeUnknown();
// DEADLINE_EXCEEDED, `DEADLINE_EXCEEDED`.
absl::Status DeadlineExceeded(absl::string_view what);
// INTERNAL, `INTERNAL`: our own fault. `cause` goes to the log, `Serve` keeps it from the caller.
absl::Status Internal(absl::string_view cause);
// ALREADY_EXISTS, `REQUEST_ID_REUSED`.
absl::Status RequestIdReused(absl::string_view request_id);
// ABORTED, `ETAG_MISMATCH`.
absl::Status EtagMismatch(absl::string_view resource);

}  // namespace quartermaster::status
