#pragma once

#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace quartermaster::qmctl {

// How often a call is made again before its error is believed.
struct RetryPolicy {
  int attempt_count_max = 5;
  absl::Duration first_wait = absl::Milliseconds(200);
  absl::Duration wait_max = absl::Seconds(5);
};

// Returns how long to wait before the same request, with the same `request_id`, is sent again;
// nothing when the error is an answer. Every write of the API carries a request id, so a call whose
// outcome is unknown may be repeated.
//
// `attempt_count` is how many were made. `spread`, 0 to 1, is a random number that keeps many
// clients from coming back at once. A wait that the server asked for is kept to in full, unless it
// is longer than `wait_max`: then the error is returned to the person.
std::optional<absl::Duration> FindWait(const absl::Status& error, int attempt_count, double spread,
                                       const RetryPolicy& policy);

}  // namespace quartermaster::qmctl
