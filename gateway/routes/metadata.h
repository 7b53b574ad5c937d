#pragma once

#include <grpcpp/support/string_ref.h>

#include <map>
#include <string>

#include "absl/status/statusor.h"

namespace quartermaster::gateway {

// What counts of the metadata that a caller sends. Nothing else goes further than this, so that no
// caller can send a service anything that only the gateway may say (`qm-identity`), nor what
// breaks the connection that all callers share.
struct CallerMetadata {
  // `authorization`, as it came; for the gateway alone.
  std::string authorization;
  // Empty if there is none.
  std::string traceparent;
};

// Metadata other than `authorization`, keys and values together, counted as HTTP/2 does.
inline constexpr size_t kMetadataBytesMax = 2048;

// Reads it. Fails with
// - INVALID_ARGUMENT, `METADATA_TOO_LARGE`, if there is more than `kMetadataBytesMax`;
// - INVALID_ARGUMENT, `METADATA_NOT_ALLOWED`, for a binary key (`…-bin`) that gRPC's own tracing
//   does not use: none of our methods has a use for one, and their encoding has a history;
// - UNAUTHENTICATED, `CREDENTIALS_INVALID`, for more than one `authorization`.
absl::StatusOr<CallerMetadata> TakeMetadata(
    const std::multimap<grpc::string_ref, grpc::string_ref>& metadata);

}  // namespace quartermaster::gateway
