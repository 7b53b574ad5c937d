#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/base/fair_share.h"

namespace quartermaster::status {

// RESOURCE_EXHAUSTED, `CALLER_OVERLOADED`: there are places left, but none for more `what`
// (`postings`) of this caller. Metadata: `waiting`, how many places the caller has, `waiting_max`.
absl::Status CallerOverloaded(const base::FairShare& places, absl::string_view caller,
                              absl::string_view what, absl::Duration retry_after);

}  // namespace quartermaster::status
