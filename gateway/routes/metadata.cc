#include "gateway/routes/metadata.h"

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "platform/status/error.h"
#include "platform/telemetry/trace.h"

namespace quartermaster::gateway {
namespace {

// What HTTP/2 adds to each header when it counts (RFC 9113, section 6.5.2).
constexpr size_t kEntryBytes = 32;

absl::string_view ToView(grpc::string_ref text) { return {text.data(), text.size()}; }

absl::Status NotAllowed(absl::string_view key) {
  return status::MakeError(
      absl::StatusCode::kInvalidArgument,
      absl::StrCat("the binary metadata ", absl::CHexEscape(key), " is not allowed; leave it out"),
      {.reason = "METADATA_NOT_ALLOWED", .metadata = {{"key", absl::CHexEscape(key)}}});
}

absl::Status TooLarge(size_t bytes) {
  return status::MakeError(
      absl::StatusCode::kInvalidArgument,
      absl::StrCat("the metadata beside authorization has ", bytes, " bytes; at most ",
                   kMetadataBytesMax, " are allowed"),
      {.reason = "METADATA_TOO_LARGE",
       .metadata = {{"size", absl::StrCat(bytes)}, {"size_max", absl::StrCat(kMetadataBytesMax)}}});
}

}  // namespace

absl::StatusOr<CallerMetadata> TakeMetadata(
    const std::multimap<grpc::string_ref, grpc::string_ref>& metadata) {
  CallerMetadata taken;
  size_t bytes = 0;
  size_t authorization_count = 0;
  size_t traceparent_count = 0;
  for (const auto& [key_ref, value_ref] : metadata) {
    const absl::string_view key = ToView(key_ref);
    const absl::string_view value = ToView(value_ref);
    if (key == "authorization") {
      ++authorization_count;
      taken.authorization = std::string(value);
      continue;
    }
    bytes += key.size() + value.size() + kEntryBytes;
    if (key == telemetry::kTraceparent) {
      ++traceparent_count;
      taken.traceparent = std::string(value);
    }
    if (absl::EndsWith(key, "-bin") && key != "grpc-trace-bin" && key != "grpc-tags-bin") {
      return NotAllowed(key);
    }
  }
  if (bytes > kMetadataBytesMax) return TooLarge(bytes);
  if (authorization_count > 1) {
    return status::CredentialsInvalid("metadata authorization occurs more than once");
  }
  // Two traces are none.
  if (traceparent_count > 1) taken.traceparent.clear();
  return taken;
}

}  // namespace quartermaster::gateway
