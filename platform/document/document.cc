#include "platform/document/document.h"

#include "absl/strings/str_cat.h"
#include "platform/status/error.h"

namespace quartermaster::document {

std::string MakeEtag(int32_t version) { return absl::StrCat("v", version); }

absl::Status CheckEtag(absl::string_view name, int32_t version, absl::string_view etag) {
  if (etag == MakeEtag(version)) return absl::OkStatus();
  return status::EtagMismatch(name);
}

Request MakeRequest(const base::Call& call, const base::Uuid& request_id,
                    const base::Sha256Digest& content_hash) {
  return {.caller = call.caller.name,
          .method = call.method,
          .request_id = request_id,
          .content_hash = content_hash,
          .trace_id = call.trace.trace_id};
}

}  // namespace quartermaster::document
