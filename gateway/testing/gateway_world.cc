#include "gateway/testing/gateway_world.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gateway/testing/raw_client.h"

namespace quartermaster::gateway {
namespace {

// Longer than any test waits, so that what a test sees end was not ended by it.
constexpr absl::Duration kDeadline = absl::Seconds(30);
constexpr char kIssuer[] = "https://issuer.test";

std::string MakeDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "qm-gateway-XXXXXX").string();
  EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
  return pattern;
}

}  // namespace

std::string HttpAnswer::reason() const {
  const nlohmann::json error = json();
  if (!error.is_object() || !error.contains("details")) return "";
  for (const nlohmann::json& detail : error["details"]) {
    if (detail.contains("reason")) return detail["reason"];
  }
  return "";
}

GatewayWorld::GatewayWorld() : directory_(MakeDirectory()) {
  const std::string issuer_key = auth::JwtSigner::GenerateKey();
  issuer_ = std::make_unique<auth::JwtSigner>(
      *auth::JwtSigner::FromPem(issuer_key, {.issuer = kIssuer, .audience = auth::kEdgeAudience}));
  const std::string keys_path = directory_ + "/jwks.json";
  std::ofstream(keys_path) << issuer_->RenderJwks();

  options_.server.address = "127.0.0.1:0";
  options_.server.is_plaintext = true;
  options_.server.limits.default_deadline = kDeadline;
  options_.server.drain_time = absl::Seconds(5);
  options_.http.address = "127.0.0.1:0";
  options_.inventory.target = inventory_.address();
  options_.inventory.is_plaintext = true;
  options_.authenticator.issuer = kIssuer;
  options_.authenticator.keys_path = keys_path;
  options_.identity_key = auth::JwtSigner::GenerateKey();
}

GatewayWorld::~GatewayWorld() {
  server_.reset();
  gateway_.reset();
  std::filesystem::remove_all(directory_);
}

void GatewayWorld::Start() {
  absl::StatusOr<std::unique_ptr<Gateway>> gateway = Gateway::Make(options_, clock_);
  ASSERT_TRUE(gateway.ok()) << gateway.status();
  gateway_ = *std::move(gateway);
  absl::StatusOr<std::unique_ptr<rpc::Server>> server =
      rpc::Server::Start(options_.server, gateway_->server_parts());
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
}

std::string GatewayWorld::TokenOf(
    const std::string& subject,
    const std::vector<std::pair<std::string, std::string>>& roles_at_units) const {
  auth::Claims claims{
      .subject = subject, .issue_time = clock_.Now(), .expire_time = clock_.Now() + absl::Hours(1)};
  for (const auto& [role, unit] : roles_at_units) {
    claims.grants.push_back({.role = role, .unit = unit});
  }
  return absl::StrCat("Bearer ", issuer_->Sign(claims));
}

std::shared_ptr<grpc::Channel> GatewayWorld::Connect() const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(server_->address(), grpc::InsecureChannelCredentials(),
                                   arguments);
}

void GatewayWorld::Authorize(grpc::ClientContext& context, absl::string_view authorization) const {
  context.AddMetadata("authorization", std::string(authorization));
  context.set_deadline(absl::ToChronoTime(absl::Now() + kDeadline));
}

HttpAnswer GatewayWorld::Http(absl::string_view method, absl::string_view target,
                              absl::string_view headers, absl::string_view body) const {
  RawClient client(gateway_->http_address());
  client.Send(absl::StrCat(method, " ", target, " HTTP/1.1\r\nHost: localhost\r\n",
                           "Connection: close\r\nContent-Length: ", body.size(), "\r\n", headers,
                           "\r\n", body));
  const std::string answer = client.ReadToEnd();
  HttpAnswer parsed;
  const size_t end = answer.find("\r\n\r\n");
  parsed.head = answer.substr(0, end);
  if (end != std::string::npos) parsed.body = answer.substr(end + 4);
  EXPECT_TRUE(answer.size() > 12 && absl::SimpleAtoi(answer.substr(9, 3), &parsed.status))
      << answer;
  return parsed;
}

HttpAnswer GatewayWorld::Api(absl::string_view method, absl::string_view target,
                             absl::string_view body) const {
  return Http(method, target,
              absl::StrCat("Authorization: ", Token(), "\r\n",
                           body.empty() ? "" : "Content-Type: application/json\r\n"),
              body);
}

}  // namespace quartermaster::gateway
