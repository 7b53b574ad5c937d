#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace quartermaster::gateway {

// Checks the head of an HTTP/1 request, from the request line to the empty line, as it came over
// the wire, before any parser that forgives sees it.
//
// Requests are smuggled past a proxy by heads that two programs read differently. So whatever could
// be read in two ways is refused: line ends other than CRLF, folded lines, whitespace before a
// colon, control characters, a length together with an encoding, an encoding other than `chunked`,
// a length that is not plain digits, a second `Host`, `Content-Length`, `Transfer-Encoding`,
// `Authorization`, `Content-Type`, `Expect` or `traceparent`, HTTP/1.1 without `Host`, a target
// that is not a path. Fails with INVALID_ARGUMENT, reason `MALFORMED_REQUEST`.
absl::Status CheckRequestHead(absl::string_view head);

// Tells whether a line of `text` ends with LF alone.
bool HasBareLineFeed(absl::string_view text);

}  // namespace quartermaster::gateway
