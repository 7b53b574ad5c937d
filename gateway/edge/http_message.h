#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace quartermaster::gateway {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// An HTTP request whose head has been found sound (`CheckRequestHead`). A plain value.
struct HttpRequest {
  // Upper case.
  std::string method;
  // The target's part before the first `?`, still percent-encoded; begins with a slash.
  std::string path;
  // What follows it; empty if there is none.
  std::string query;
  // Names in lower case, in the order they came. Trailers of a chunked body are not among them.
  HttpHeaders headers;
  std::string body;
  // Who asks, once `HttpHandler::Refuse` has found out: whoever they are, they share what one
  // caller may have, over all their connections. Empty for one who has not said.
  std::string caller;

  // Returns the value of the first header of that name (in lower case); empty if there is none.
  absl::string_view Header(absl::string_view name) const;
  // Whether the head announces a body that is not empty.
  bool HasBody() const;
};

// An HTTP answer. `Content-Length`, `Connection`, `Date` and the headers that tell browsers to be
// careful are added by the edge.
struct HttpResponse {
  int status = 200;
  HttpHeaders headers;
  std::string body;
};

// A request that waits for its answer. Thread-safe. One that is dropped without an answer is
// answered with 500.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;

  // Sends the answer. Only the first call counts.
  virtual void Respond(HttpResponse response) = 0;
  // Has `cancel` called, once, if the client goes away before it is answered; at once if it has
  // gone already. `cancel` must not block and may be called from any thread.
  virtual void OnGone(std::function<void()> cancel) = 0;
};

// What the edge hands requests to. Thread-safe; never blocks.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;

  // Looks at a request before its body is read, so that whoever may not ask cannot make us read
  // megabytes. What it returns is the answer; nothing lets the request in. `request.body` is empty;
  // `request.caller` is for it to fill in.
  virtual std::optional<HttpResponse> Refuse(HttpRequest& request) = 0;
  // Answers a request through `exchange`, now or later.
  virtual void Handle(HttpRequest request, std::shared_ptr<HttpExchange> exchange) = 0;
  // Told of each request that the edge answered by itself, because it could not be read or there
  // was no room for it.
  virtual void OnRefused(const absl::Status& why) = 0;
};

}  // namespace quartermaster::gateway
