#include "inventory-svc/domain/as_of.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "inventory-svc/domain/posting_rules.h"
#include "platform/status/error.h"

namespace quartermaster::inventory {
namespace {

std::string ToText(absl::Time time) {
  return absl::FormatTime(absl::RFC3339_full, time, absl::UTCTimeZone());
}

}  // namespace

absl::Status CheckAsOf(const AsOf& as_of, absl::Time now) {
  std::vector<status::FieldViolation> violations;
  if (as_of.record_time.has_value() && *as_of.record_time > now) {
    violations.push_back({"as_of.record_time", absl::StrCat(ToText(*as_of.record_time),
                                                            " lies ahead of the server's clock")});
  }
  if (as_of.occurred_time.has_value() && *as_of.occurred_time > now + kClockTolerance) {
    violations.push_back(
        {"as_of.occurred_time", absl::StrCat(ToText(*as_of.occurred_time),
                                             " lies more than five minutes ahead of the server's "
                                             "clock")});
  }
  return violations.empty() ? absl::OkStatus() : status::InvalidFields(std::move(violations));
}

absl::Status GoBackTo(std::optional<int64_t> sequence, Moment& moment) {
  if (!sequence.has_value()) return absl::OkStatus();
  // What is closed only grows.
  if (*sequence < 0 || *sequence > moment.sequence) {
    return status::InvalidFields({{"page_token", "was not made by a page of this list"}});
  }
  moment.sequence = *sequence;
  return absl::OkStatus();
}

absl::Status NotSealedYet(absl::Time record_time, absl::Time closed_time) {
  return status::MakeError(
      absl::StatusCode::kFailedPrecondition,
      absl::StrCat("the books of ", ToText(record_time), " are closed up to ", ToText(closed_time),
                   " only; ask again in a few seconds, or for an earlier time"),
      {.reason = "NOT_SEALED_YET", .metadata = {{"closed_time", ToText(closed_time)}}});
}

}  // namespace quartermaster::inventory
