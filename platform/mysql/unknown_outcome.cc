#include "platform/mysql/unknown_outcome.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/status_macros.h"
#include "platform/mysql/error.h"
#include "platform/status/error.h"

namespace quartermaster::mysql {
namespace {

constexpr absl::Duration kPause = absl::Milliseconds(20);
constexpr int kNoSuchThread = 1094;
// A session that is about to go has forgotten already whose it was, so it is not ours to kill; it
// goes by itself.
constexpr int kKillDenied = 1095;

// One look from one connection, for as long as that holds.
absl::Status KillAndWait(Connection& connection, const LostSession& lost, absl::Time until) {
  while (true) {
    const absl::Status killed =
        connection.Execute(absl::StrCat("KILL CONNECTION ", lost.session_id)).status();
    const int errno_code = GetErrno(killed);
    if (!killed.ok() && errno_code != kNoSuchThread && errno_code != kKillDenied) return killed;
    // A session leaves the list after it has committed or rolled back, not before.
    QM_ASSIGN_OR_RETURN(
        const Rows rows,
        connection.Query("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = ?",
                         {lost.session_id}));
    if (rows[0].Int64(0) == 0) return absl::OkStatus();
    if (absl::Now() >= until) return status::OutcomeUnknown();
    absl::SleepFor(kPause);
  }
}

}  // namespace

absl::Status AwaitEnd(Pool& pool, const LostSession& lost, absl::Time until) {
  while (true) {
    const absl::Duration left = until - absl::Now();
    if (left <= absl::ZeroDuration()) return status::OutcomeUnknown();
    absl::StatusOr<std::unique_ptr<Connection>> fresh = pool.OpenFresh(left);
    if (fresh.ok()) {
      // Another server's process list says nothing about this session.
      if ((*fresh)->server_name() != lost.server_name) return status::OutcomeUnknown();
      const absl::Status ended = KillAndWait(**fresh, lost, until);
      if (ended.ok() || (*fresh)->usable()) return ended;
    }
    absl::SleepFor(std::min(kPause, std::max(until - absl::Now(), absl::ZeroDuration())));
  }
}

}  // namespace quartermaster::mysql
