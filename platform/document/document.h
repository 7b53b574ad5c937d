#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/base/call.h"
#include "platform/base/sha256.h"
#include "platform/base/uuid.h"

// What every document has: a name, versions that are only ever added, and writes that can be
// repeated. A document's body is a plain struct with `VisitFields` and the name of its form:
//
//   struct Unit {
//     static constexpr char kForm[] = "unit.1";
//     ...
//   };
namespace quartermaster::document {

// A body as one version of a document holds it.
template <typename T>
struct Versioned {
  T body;
  // 1 for the first.
  int32_t version = 0;
  // When the books took it.
  absl::Time record_time;
  // SHA-256 of the bytes it is kept as.
  base::Sha256Digest hash = {};
};

// Renders a version as the opaque text that callers send back to change what they read.
std::string MakeEtag(int32_t version);

// Checks that `etag` was read from `version` of `name`. ETAG_MISMATCH.
absl::Status CheckEtag(absl::string_view name, int32_t version, absl::string_view etag);

// One write as it was asked for.
struct Request {
  // In whose name, never a relay's: what request ids are scoped to.
  std::string caller;
  std::string method;
  base::Uuid request_id;
  // Tells a repetition from another request under the same id.
  base::Sha256Digest content_hash = {};
  std::string trace_id;
};
Request MakeRequest(const base::Call& call, const base::Uuid& request_id,
                    const base::Sha256Digest& content_hash);

// What an earlier write under the same request id was and answered.
struct EarlierWrite {
  base::Sha256Digest content_hash = {};
  // Kept canonical, because the request may have been for another kind of document.
  int32_t version = 0;
  absl::Time record_time;
  std::string snapshot;
};

// A step that somebody could take next.
struct Task {
  std::string verb;
  // What the doer must hold, and for which units: for each of them.
  std::string permission;
  std::vector<std::string> units;
  // Who must not take it, because they took another step.
  std::vector<std::string> barred_actors;
};

// One version to be written.
struct NewVersion {
  std::string name;
  int32_t version = 1;
  absl::Time record_time;
  // When it is said to have happened.
  absl::Time occurred_time;
  // Empty for what has no states.
  std::string state;
  std::string snapshot;
  std::optional<base::Sha256Digest> before_hash;
  // All that can be done next; takes the place of what could be done before.
  std::vector<Task> tasks;
};

// A version as it is kept.
struct StoredVersion {
  int32_t version = 0;
  absl::Time record_time;
  std::string snapshot;
};

// Port: documents inside one transaction. Valid only within the call that handed it out. A store of
// one kind of document adds to it what that kind needs. Not thread-safe.
class Book {
 public:
  virtual ~Book() = default;

  // Finds what the request's caller wrote under its id.
  virtual absl::StatusOr<std::optional<EarlierWrite>> FindEarlier(const Request& request) = 0;
  // Finds the newest version of a document.
  virtual absl::StatusOr<std::optional<StoredVersion>> FindNewest(absl::string_view name) = 0;
  // The same, and keeps others from adding one until the transaction ends.
  virtual absl::StatusOr<std::optional<StoredVersion>> LockNewest(absl::string_view name) = 0;
  // Writes the request, a record, the version and its tasks. If a twin wrote first, fails so that
  // the transaction is run again, and then finds the twin.
  virtual absl::Status Append(const Request& request, const NewVersion& version) = 0;
};

}  // namespace quartermaster::document
