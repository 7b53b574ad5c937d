#include "qmctl/commands/as_of.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace quartermaster::qmctl {
namespace {

bool ParseInto(Session& session, const std::string& typed, google::protobuf::Timestamp& out) {
  absl::Time time;
  std::string why;
  if (!absl::ParseTime(absl::RFC3339_full, typed, &time, &why) &&
      !absl::ParseTime("%Y-%m-%d %H:%M", typed, absl::LocalTimeZone(), &time, &why) &&
      !absl::ParseTime("%Y-%m-%d %H:%M:%S", typed, absl::LocalTimeZone(), &time, &why)) {
    session.FailUsage(absl::StrCat(
        typed, session.Say(" is not a time: 2026-11-22T08:00:00Z, or \"2026-11-22 08:00\"",
                           " 不是时间；写作 2026-11-22T08:00:00Z 或 \"2026-11-22 08:00\"")));
    return false;
  }
  out.set_seconds(absl::ToUnixSeconds(time));
  out.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(out.seconds()))));
  return true;
}

}  // namespace

CLI::Option* AddRecordTime(CLI::App& command, const std::shared_ptr<AsOfOptions>& options) {
  return command.add_option("--as-of", options->record_time,
                            "as the books held it then: 2026-11-22T08:00:00Z, or \"2026-11-22 "
                            "08:00\" in this machine's zone");
}

void AddAsOf(CLI::App& command, const std::shared_ptr<AsOfOptions>& options) {
  AddRecordTime(command, options);
  command.add_option("--as-of-occurred", options->occurred_time,
                     "as it had happened by then, whenever the papers came; written as --as-of");
}

bool ParseAsOf(Session& session, const AsOfOptions& options, type::v1::AsOf& as_of) {
  if (!options.record_time.empty() &&
      !ParseInto(session, options.record_time, *as_of.mutable_record_time())) {
    return false;
  }
  return options.occurred_time.empty() ||
         ParseInto(session, options.occurred_time, *as_of.mutable_occurred_time());
}

}  // namespace quartermaster::qmctl
