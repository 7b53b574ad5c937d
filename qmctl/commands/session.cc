#include "qmctl/commands/session.h"

#include <google/protobuf/util/json_util.h>

#include <cstdlib>
#include <iostream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "platform/base/clock.h"
#include "platform/base/status_macros.h"
#include "platform/base/uuid.h"
#include "qmctl/io/file.h"

namespace quartermaster::qmctl {

Session::Session()
    : Session(
          [](ClientOptions client) { return std::make_unique<GrpcClient>(std::move(client)); }) {}

absl::StatusOr<std::unique_ptr<Client>> Session::ConnectAs(const TokenSource& source) const {
  ClientOptions client;
  client.server = options.server;
  client.timeout = absl::Seconds(options.timeout_seconds);
  QM_ASSIGN_OR_RETURN(client.token, ReadToken(source));
  if (!options.tls_authority_file.empty()) {
    QM_ASSIGN_OR_RETURN(client.tls_authority_pem, ReadFile(options.tls_authority_file));
  }
  const bool is_in_clear = client.tls_authority_pem.empty() && !IsLoopback(client.server);
  if (is_in_clear && !client.token.empty() && !options.may_send_token_in_clear) {
    return absl::InvalidArgumentError(
        absl::StrCat("the token would cross the network to ", client.server,
                     " in clear: give --tls-ca FILE, or --plaintext if that is meant"));
  }
  return connector_(std::move(client));
}

bool Session::Call(absl::string_view method, const google::protobuf::Message& request,
                   google::protobuf::Message& response) {
  if (client_ == nullptr) {
    absl::StatusOr<std::unique_ptr<Client>> connected = Connect();
    if (!connected.ok()) {
      FailUsage(connected.status().message());
      return false;
    }
    client_ = *std::move(connected);
  }
  const absl::Status status = client_->Call(method, request, response);
  if (!status.ok()) Fail(status);
  return status.ok();
}

bool Session::TryCall(absl::string_view method, const google::protobuf::Message& request,
                      google::protobuf::Message& response) const {
  QM_CHECK(client_ != nullptr);
  return client_->Call(method, request, response).ok();
}

Language Session::language() const {
  if (options.language == "zh") return Language::kChinese;
  if (options.language == "en") return Language::kEnglish;
  for (const char* variable : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* value = std::getenv(variable);
    if (value == nullptr || *value == '\0') continue;
    return absl::StartsWith(value, "zh") ? Language::kChinese : Language::kEnglish;
  }
  return Language::kEnglish;
}

void Session::Print(const Table& table, const google::protobuf::Message& message) const {
  if (is_json()) return PrintJson(message);
  std::cout << (is_table() ? RenderTable(table) : RenderTableAsCsv(table));
}

void Session::PrintJson(const google::protobuf::Message& message) const {
  google::protobuf::util::JsonPrintOptions print;
  print.add_whitespace = true;
  print.always_print_primitive_fields = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, print);
  std::cout << (status.ok() ? json : "{}\n");
}

void Session::Fail(const absl::Status& error) {
  exit_code = ToExitCode(error);
  if (exit_code == ExitCode::kUnreachable) {
    std::cerr << Say("No answer from ", "无应答：") << options.server << "\n";
  }
  std::cerr << RenderError(error, language()) << "\n";
}

void Session::FailUsage(absl::string_view what) {
  exit_code = ExitCode::kUsage;
  std::cerr << "qmctl: " << what << "\n";
}

std::string MakeRequestId() {
  const base::SystemClock clock;
  base::UuidSource uuids(clock);
  return uuids.Next().ToString();
}

}  // namespace quartermaster::qmctl
