#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "absl/status/status.h"
#include "gateway/edge/http_message.h"

// Between the HTTP library's messages and ours.
namespace quartermaster::gateway {

using HttpMessage = boost::beast::http::response<boost::beast::http::string_body>;

// Copies the head out of what was read so far.
HttpRequest ReadRequest(const boost::beast::http::request_header<>& head);

// Makes the answer that says what was wrong with a request.
HttpResponse ErrorResponse(int http_status, const absl::Status& why);

// Makes what goes over the wire: with the length, the date, and the headers that tell browsers to
// be careful unless the answer has its own. Whether the connection is kept is for the caller to
// say.
HttpMessage MakeMessage(HttpResponse response, bool is_tls);

}  // namespace quartermaster::gateway
