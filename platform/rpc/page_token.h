#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "platform/rpc/parse.h"

// Lists page by opaque tokens (AIP-158). A token holds where the next page begins and a hash of the
// query it belongs to, so that it cannot be used to go on with another one. It is no secret and
// gives no right: what a page shows is judged anew for each call.
namespace quartermaster::rpc {

struct PageSizes {
  int32_t default_size = 100;
  int32_t size_max = 1000;
};

// Returns the number of rows for a page: 0 asks for the default, too many is coerced to the
// maximum, a negative number is an error.
int32_t ParsePageSize(int32_t page_size, const PageSizes& sizes, FieldErrors& errors);

// `query` is everything that the pages of one list have in common, order and filter included, as
// canonical bytes; `position` is what the store needs to go on, for instance the last name shown.
std::string MakePageToken(absl::string_view query, absl::string_view position);

// Returns the position; empty for an empty token, which asks for the first page. A token that was
// not made for `query` is an error of field `page_token`.
std::string ParsePageToken(absl::string_view token, absl::string_view query, FieldErrors& errors);

}  // namespace quartermaster::rpc
