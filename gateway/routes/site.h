#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gateway/edge/http_message.h"

namespace quartermaster::gateway {

// Everything that the gateway serves over HTTP: the console at `/`, `/healthz`, the API beneath
// `/v1/`, and in the demo profile `/demo/persons`. Thread-safe.
class Site final : public HttpHandler {
 public:
  struct Options {
    // Names that a request's `Host` may have, without port. A page elsewhere that has its own name
    // resolve to this machine is thereby refused. `*` lets every name pass.
    std::vector<std::string> hosts = {"localhost", "127.0.0.1", "[::1]"};
    // File with the demo's persons and their tokens, in JSON. Empty: there is no `/demo/persons`.
    std::string demo_persons_file;
  };

  // `api` gets what is beneath `/v1/`, and is told of all that is refused; it must outlive the
  // site.
  Site(const Options& options, HttpHandler& api);

  std::optional<HttpResponse> Refuse(HttpRequest& request) override;
  void Handle(HttpRequest request, std::shared_ptr<HttpExchange> exchange) override;
  void OnRefused(const absl::Status& why) override { api_.OnRefused(why); }

 private:
  HttpResponse Problem(int http_status, absl::StatusCode code, absl::string_view reason,
                       absl::string_view message) const;
  bool IsHostKnown(absl::string_view host) const;
  HttpResponse AnswerDemoPersons() const;

  const Options options_;
  HttpHandler& api_;
  const HttpResponse console_;
};

}  // namespace quartermaster::gateway
