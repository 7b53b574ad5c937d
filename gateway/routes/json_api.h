#pragma once

#include <map>
#include <memory>
#include <optional>

#include "gateway/edge/http_message.h"
#include "gateway/routes/call_log.h"
#include "gateway/routes/gate.h"
#include "gateway/routes/gateway_methods.h"
#include "gateway/routes/upstream.h"
#include "gateway/transcode/route_table.h"

namespace quartermaster::gateway {

// Answers `/v1/…`: every method by the path that its `google.api.http` option gives it, in the
// proto3 JSON form, through the same upstreams as gRPC.
//
// What is wrong is answered with the JSON form of `google.rpc.Status`, in this order of precedence:
// 401 without good credentials; 400 for a path that cannot be read; 404 for one that no method has
// (the nearest is named); 405 for another HTTP method (`Allow` lists them); 403 without the
// method's permission; 415 for a body that is not JSON by its type; then, the body read, 400 for
// what does not fit the request; then what the method answers. `X-Request-Id` carries the trace id.
class JsonApi final : public HttpHandler {
 public:
  struct Parts {
    const RouteTable& routes;
    const GatewayMethods& methods;
    const Gate& gate;
    // Every owner of a method must be here.
    const std::map<Owner, Upstream*> upstreams;
    CallLog& log;
  };

  explicit JsonApi(const Parts& parts) : parts_(parts) {}

  std::optional<HttpResponse> Refuse(HttpRequest& request) override;
  void Handle(HttpRequest request, std::shared_ptr<HttpExchange> exchange) override;
  void OnRefused(const absl::Status& why) override;

 private:
  class Call;

  const Parts parts_;
};

}  // namespace quartermaster::gateway
