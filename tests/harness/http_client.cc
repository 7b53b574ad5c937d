#include "tests/harness/http_client.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"

namespace quartermaster::testing {
namespace {

namespace http = boost::beast::http;
using boost::asio::ip::tcp;
using boost::beast::error_code;

// Runs what was started until it is done.
void Await(boost::asio::io_context& io) {
  io.run();
  io.restart();
}

}  // namespace

HttpReply SendHttp(const std::string& address, const std::string& method, const std::string& target,
                   const HttpHeaders& headers, const std::string& body, absl::Duration patience) {
  const std::vector<std::string> parts = absl::StrSplit(address, ':');
  http::request<http::string_body> request;
  request.method_string(method);
  request.target(target);
  request.version(11);
  request.set(http::field::host, address);
  request.set(http::field::connection, "close");
  if (!body.empty()) request.set(http::field::content_type, "application/json");
  for (const auto& [name, value] : headers) request.set(name, value);
  request.body() = body;
  if (!body.empty() || method == "POST") request.prepare_payload();

  // The stream's own limit holds for what is asynchronous alone.
  boost::asio::io_context io;
  boost::beast::tcp_stream stream(io);
  stream.expires_after(absl::ToChronoMilliseconds(patience));
  error_code error;
  stream.async_connect(tcp::endpoint(boost::asio::ip::make_address(parts[0]),
                                     static_cast<unsigned short>(std::stoi(parts[1]))),
                       [&](error_code connected) { error = connected; });
  Await(io);
  if (error) return {.body = error.message()};
  // A server may answer before it has read everything, and close: the answer counts.
  error_code write_error;
  http::async_write(stream, request, [&](error_code written, size_t) { write_error = written; });
  Await(io);
  boost::beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(64 << 20);
  if (method == "HEAD") parser.skip(true);
  http::async_read(stream, buffer, parser, [&](error_code read, size_t) { error = read; });
  Await(io);
  if (error && !parser.is_done()) return {.body = (write_error ? write_error : error).message()};
  const auto& response = parser.get();
  HttpReply reply{.status = static_cast<int>(response.result_int()), .body = response.body()};
  for (const auto& field : response) {
    const std::string name(field.name_string().data(), field.name_string().size());
    reply.headers[absl::AsciiStrToLower(name)] =
        std::string(field.value().data(), field.value().size());
  }
  return reply;
}

}  // namespace quartermaster::testing
