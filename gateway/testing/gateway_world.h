#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "gateway/gateway.h"
#include "gateway/testing/fake_inventory.h"
#include "platform/auth/jwt.h"
#include "platform/base/clock.h"
#include "platform/rpc/server.h"

namespace quartermaster::gateway {

// What came back over HTTP.
struct HttpAnswer {
  int status = 0;
  // As it came, up to the empty line.
  std::string head;
  std::string body;

  nlohmann::json json() const { return nlohmann::json::parse(body, nullptr, false); }
  // The reason in the error's details; empty if there is none.
  std::string reason() const;
};

// A test around the whole gateway, on real sockets, before a `FakeInventory`.
class GatewayWorld : public ::testing::Test {
 protected:
  GatewayWorld();
  ~GatewayWorld() override;

  // Starts the gateway with `options_`.
  void Start();

  // `authorization: Bearer …` of a person with these roles at units.
  std::string TokenOf(const std::string& subject,
                      const std::vector<std::pair<std::string, std::string>>& roles_at_units) const;
  // A dispatcher of units/city.
  std::string Token() const { return TokenOf("lin", {{"dispatcher", "units/city"}}); }
  // A custodian: posts, but sees no overview.
  std::string CustodianToken() const { return TokenOf("wu", {{"custodian", "units/city"}}); }

  // A channel of its own connection to the gateway.
  std::shared_ptr<grpc::Channel> Connect() const;
  // Prepares a context that carries the token and a deadline.
  void Authorize(grpc::ClientContext& context) const { Authorize(context, Token()); }
  void Authorize(grpc::ClientContext& context, absl::string_view authorization) const;

  // One HTTP request on a connection of its own. `headers` are lines, each with its CRLF.
  HttpAnswer Http(absl::string_view method, absl::string_view target, absl::string_view headers,
                  absl::string_view body = "") const;
  // The same with a token and, if there is a body, its type.
  HttpAnswer Api(absl::string_view method, absl::string_view target,
                 absl::string_view body = "") const;

  const base::SystemClock clock_;
  std::string directory_;
  FakeInventory inventory_;
  Options options_;
  std::unique_ptr<auth::JwtSigner> issuer_;
  std::unique_ptr<Gateway> gateway_;
  std::unique_ptr<rpc::Server> server_;
};

}  // namespace quartermaster::gateway
