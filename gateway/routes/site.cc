#include "gateway/routes/site.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gateway/console/console_page.h"
#include "gateway/edge/beast_message.h"
#include "platform/status/error.h"

namespace quartermaster::gateway {
namespace {

bool IsApi(absl::string_view path) { return path == "/v1" || absl::StartsWith(path, "/v1/"); }

// Cuts the port off: `localhost:8080`, `[::1]:8080`.
absl::string_view WithoutPort(absl::string_view host) {
  const size_t colon = host.rfind(':');
  const size_t bracket = host.rfind(']');
  const bool has_port =
      colon != absl::string_view::npos && (bracket == absl::string_view::npos || colon > bracket);
  return has_port ? host.substr(0, colon) : host;
}

}  // namespace

Site::Site(const Options& options, HttpHandler& api)
    : options_(options), api_(api), console_(RenderConsole()) {}

HttpResponse Site::Problem(int http_status, absl::StatusCode code, absl::string_view reason,
                           absl::string_view message) const {
  const absl::Status why = status::MakeError(code, message, {.reason = std::string(reason)});
  api_.OnRefused(why);
  return ErrorResponse(http_status, why);
}

bool Site::IsHostKnown(absl::string_view host) const {
  return std::ranges::any_of(options_.hosts, [&](const std::string& known) {
    return known == "*" || absl::EqualsIgnoreCase(WithoutPort(host), known);
  });
}

std::optional<HttpResponse> Site::Refuse(HttpRequest& request) {
  // Probes come by address, and learn nothing.
  const bool is_probe = request.path == "/healthz";
  if (!is_probe && !IsHostKnown(request.Header("host"))) {
    return Problem(421, absl::StatusCode::kInvalidArgument, "HOST_UNKNOWN",
                   "this server is not known by the name in Host; QM_GATEWAY_HTTP_HOSTS lists "
                   "those that it has");
  }
  if (IsApi(request.path)) return api_.Refuse(request);
  const bool is_known = is_probe || request.path == "/" ||
                        (request.path == "/demo/persons" && !options_.demo_persons_file.empty());
  if (!is_known) {
    return Problem(404, absl::StatusCode::kNotFound, "PATH_UNKNOWN",
                   "there is nothing here; the API is beneath /v1/");
  }
  if (request.method != "GET" && request.method != "HEAD") {
    HttpResponse response = Problem(405, absl::StatusCode::kUnimplemented,
                                    "HTTP_METHOD_NOT_ALLOWED", "this page can only be read");
    response.headers.emplace_back("Allow", "GET, HEAD");
    return response;
  }
  return std::nullopt;
}

void Site::Handle(HttpRequest request, std::shared_ptr<HttpExchange> exchange) {
  if (request.path == "/healthz") {
    return exchange->Respond({.headers = {{"Content-Type", "text/plain"}}, .body = "ok\n"});
  }
  if (IsApi(request.path)) return api_.Handle(std::move(request), std::move(exchange));
  exchange->Respond(request.path == "/" ? console_ : AnswerDemoPersons());
}

// A small local file, read anew each time because tokens are renewed in it.
HttpResponse Site::AnswerDemoPersons() const {
  std::ifstream file(options_.demo_persons_file);
  std::ostringstream persons;
  persons << file.rdbuf();
  if (!file) {
    return Problem(503, absl::StatusCode::kUnavailable, "DEMO_PERSONS_MISSING",
                   "the file of the demo's persons cannot be read");
  }
  return {.headers = {{"Content-Type", "application/json"}}, .body = persons.str()};
}

}  // namespace quartermaster::gateway
