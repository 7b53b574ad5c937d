#include "gateway/edge/beast_message.h"

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gateway/transcode/http_status.h"

namespace quartermaster::gateway {
namespace {

namespace http = boost::beast::http;

void SetDefault(HttpMessage& message, const char* name, const char* value) {
  if (message.find(name) == message.end()) message.set(name, value);
}

}  // namespace

HttpRequest ReadRequest(const http::request_header<>& head) {
  HttpRequest request;
  request.method = std::string(head.method_string());
  const std::string target(head.target());
  const size_t question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string::npos) request.query = target.substr(question + 1);
  for (const auto& field : head) {
    request.headers.emplace_back(absl::AsciiStrToLower(std::string(field.name_string())),
                                 std::string(field.value()));
  }
  return request;
}

HttpResponse ErrorResponse(int http_status, const absl::Status& why) {
  return {.status = http_status,
          .headers = {{"Content-Type", "application/json"}},
          .body = RenderError(why)};
}

HttpMessage MakeMessage(HttpResponse response, bool is_tls) {
  HttpMessage message;
  message.version(11);
  message.result(static_cast<unsigned>(response.status));
  for (const auto& [name, value] : response.headers) message.insert(name, value);
  SetDefault(message, "X-Content-Type-Options", "nosniff");
  SetDefault(message, "X-Frame-Options", "DENY");
  SetDefault(message, "Referrer-Policy", "no-referrer");
  SetDefault(message, "Cross-Origin-Resource-Policy", "same-origin");
  SetDefault(message, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  SetDefault(message, "Cache-Control", "no-store");
  if (is_tls) SetDefault(message, "Strict-Transport-Security", "max-age=31536000");
  message.set(http::field::date,
              absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", absl::Now(), absl::UTCTimeZone()));
  message.content_length(response.body.size());
  message.body() = std::move(response.body);
  return message;
}

}  // namespace quartermaster::gateway
