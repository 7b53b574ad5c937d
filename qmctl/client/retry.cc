#include "qmctl/client/retry.h"

#include <algorithm>

#include "platform/status/error.h"

namespace quartermaster::qmctl {
namespace {

bool MayGoAway(const absl::Status& error, const status::ErrorDetail& detail) {
  if (error.code() == absl::StatusCode::kUnavailable) return true;
  if (error.code() == absl::StatusCode::kAborted) return detail.reason == "CONTENTION";
  return error.code() == absl::StatusCode::kResourceExhausted &&
         detail.retry_after > absl::ZeroDuration();
}

}  // namespace

std::optional<absl::Duration> FindWait(const absl::Status& error, int attempt_count, double spread,
                                       const RetryPolicy& policy) {
  const status::ErrorDetail detail = status::GetErrorDetail(error);
  if (attempt_count >= policy.attempt_count_max || !MayGoAway(error, detail)) return std::nullopt;
  if (detail.retry_after > policy.wait_max) return std::nullopt;
  absl::Duration wait = policy.first_wait;
  for (int i = 1; i < attempt_count && wait < policy.wait_max; ++i) wait *= 2;
  wait = std::min(wait, policy.wait_max);
  // Between half of it and all of it.
  wait = wait / 2 + wait / 2 * std::clamp(spread, 0.0, 1.0);
  return std::max(wait, detail.retry_after);
}

}  // namespace quartermaster::qmctl
