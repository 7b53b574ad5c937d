#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "platform/base/sha256.h"
#include "platform/base/uuid.h"

// Records: the one row that every write of every service leaves, in its own transaction. Together
// they are the proof, the audit trail and the change feed.
namespace quartermaster::records {

// What is kept of a write. Opaque ids and hashes alone: names and free text would have to be kept
// for ever, or break the proof when they are erased.
struct Record {
  // Made by `base::UuidSource`, so that records ascend with time.
  base::Uuid record_id;
  // When the books took it.
  absl::Time record_time;
  // When it happened, as told; the same as `record_time` where nobody is asked.
  absl::Time occurred_time;
  // `persons/{subject}` or `systems/{id}`: in whose name it was done.
  std::string caller;
  // For instance `quartermaster.inventory.v1.Units/CreateUnit`.
  std::string method;
  // What was written: `units/qinghe-station`.
  std::string resource;
  base::Uuid request_id;
  // SHA-256 of the resource's canonical form before and after; none before the first write.
  std::optional<base::Sha256Digest> before_hash;
  base::Sha256Digest after_hash = {};
  // 32 hexadecimal digits, or empty.
  std::string trace_id;

  friend bool operator==(const Record&, const Record&) = default;
};

}  // namespace quartermaster::records
