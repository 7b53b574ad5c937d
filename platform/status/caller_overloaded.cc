#include "platform/status/caller_overloaded.h"

#include "absl/strings/str_cat.h"
#include "platform/status/error.h"

namespace quartermaster::status {

absl::Status CallerOverloaded(const base::FairShare& places, absl::string_view caller,
                              absl::string_view what, absl::Duration retry_after) {
  const int64_t waiting = places.TakenBy(caller);
  const int64_t waiting_max = places.caller_max();
  return MakeError(
      absl::StatusCode::kResourceExhausted,
      absl::StrCat("many calls wait, and ", waiting, " ", what, " of this caller among them; at ",
                   "most ", waiting_max, " of one caller may then"),
      {.reason = "CALLER_OVERLOADED",
       .metadata = {{"waiting", absl::StrCat(waiting)}, {"waiting_max", absl::StrCat(waiting_max)}},
       .retry_after = retry_after});
}

}  // namespace quartermaster::status
