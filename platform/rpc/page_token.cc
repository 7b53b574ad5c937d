#include "platform/rpc/page_token.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "platform/base/sha256.h"

namespace quartermaster::rpc {
namespace {

// Part of the hash, so that a token of another version is a foreign one.
constexpr absl::string_view kVersion = "page-token.1";
constexpr size_t kHashBytes = 12;
// Longer than any position; keeps what an attacker sends from being decoded at all.
constexpr size_t kTokenLengthMax = 4096;

std::string HashOf(absl::string_view query, absl::string_view position) {
  // Nothing need part query and position: the position goes along, so another query differs.
  const base::Sha256Digest digest = base::Sha256(absl::StrCat(kVersion, ":", query, position));
  return std::string(reinterpret_cast<const char*>(digest.data()), kHashBytes);
}

}  // namespace

int32_t ParsePageSize(int32_t page_size, const PageSizes& sizes, FieldErrors& errors) {
  if (page_size < 0) {
    errors.Add("page_size", absl::StrCat(page_size, " is negative; 0 asks for the default of ",
                                         sizes.default_size));
    return 0;
  }
  return page_size == 0 ? sizes.default_size : std::min(page_size, sizes.size_max);
}

std::string MakePageToken(absl::string_view query, absl::string_view position) {
  // An empty token would say that this was the last page.
  QM_CHECK(!position.empty());
  return absl::WebSafeBase64Escape(absl::StrCat(HashOf(query, position), position));
}

std::string ParsePageToken(absl::string_view token, absl::string_view query, FieldErrors& errors) {
  if (token.empty()) return "";
  std::string bytes;
  if (token.size() <= kTokenLengthMax && absl::WebSafeBase64Unescape(token, &bytes) &&
      bytes.size() > kHashBytes) {
    const absl::string_view position = absl::string_view(bytes).substr(kHashBytes);
    if (absl::string_view(bytes).substr(0, kHashBytes) == HashOf(query, position)) {
      return std::string(position);
    }
  }
  errors.Add("page_token",
             "is not a token that this list returned for the same request; ask for the first page");
  return "";
}

}  // namespace quartermaster::rpc
