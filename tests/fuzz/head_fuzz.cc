// Heads of HTTP requests, from the request line to the empty line.
//
// What the strict check lets through, Boost.Beast reads, and reads in the same way: the same
// target, and one length or chunks, never both.

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "gateway/edge/request_head.h"
#include "platform/base/check.h"
#include "tests/fuzz/fuzz.h"

namespace quartermaster::testing {

void TryInput(absl::string_view input) {
  namespace http = boost::beast::http;
  const absl::Status checked = gateway::CheckRequestHead(input);
  if (!checked.ok()) {
    QM_CHECK(absl::IsInvalidArgument(checked));
    return;
  }
  http::request_parser<http::empty_body> parser;
  parser.header_limit(1 << 20);
  boost::system::error_code error;
  parser.put(boost::asio::buffer(input.data(), input.size()), error);
  if (error) return;
  QM_CHECK(parser.is_header_done());
  QM_CHECK(!(parser.chunked() && parser.content_length().has_value()));
  const auto target = parser.get().target();
  QM_CHECK(absl::StrContains(input.substr(0, input.find('\r')),
                             absl::string_view(target.data(), target.size())));
}

}  // namespace quartermaster::testing
