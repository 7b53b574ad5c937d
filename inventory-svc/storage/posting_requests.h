#pragma once

namespace quartermaster::inventory {

// The table that keeps the requests of postings, for documents: one request does one thing, so
// neither may use the other's.
inline constexpr char kPostingRequests[] = "movements";

}  // namespace quartermaster::inventory
