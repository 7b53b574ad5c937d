#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/mysql/pool.h"

namespace quartermaster::mysql {

// A session that was lost while it committed.
struct LostSession {
  int64_t session_id;
  std::string server_name;
};

// Kills `lost` from a fresh connection and waits until the server's process list shows it no more,
// looking until `until`. Before that, what another session sees proves nothing: the COMMIT may
// still be on its way. OK when the session is gone. UNAVAILABLE if that was not seen, for instance
// because the server cannot be reached or another one answers in its place.
//
// A server that was restarted meanwhile counts its sessions from the start: a new one may have the
// number and is killed too. Its caller repeats a call; taking the old one for gone would be worse.
absl::Status AwaitEnd(Pool& pool, const LostSession& lost, absl::Time until);

}  // namespace quartermaster::mysql
