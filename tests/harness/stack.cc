#include "tests/harness/stack.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/status_macros.h"
#include "platform/mysql/connection.h"

namespace quartermaster::testing {
namespace {

constexpr absl::Duration kReadyMax = absl::Seconds(30);
constexpr char kDatabase[] = "quartermaster_inventory";

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string ProgramPath(const std::string& path) {
  const char* build = std::getenv("QM_TEST_BUILD_DIR");
  return absl::StrCat(build == nullptr ? "." : build, "/", path);
}

// Another gateway may take the place of the one that is built: one with a planted bug.
std::string GatewayPath() {
  const char* given = std::getenv("QM_TEST_GATEWAY");
  return given == nullptr ? ProgramPath("gateway/gateway") : given;
}

absl::Status FillAddress(std::string& address) {
  if (!address.empty()) return absl::OkStatus();
  QM_ASSIGN_OR_RETURN(const uint16_t port, FindFreePort());
  address = absl::StrCat("127.0.0.1:", port);
  return absl::OkStatus();
}

// Waits until a channel to the address is ready: the program takes calls.
absl::Status WaitReady(const std::string& what, const std::string& log_file, Process& process,
                       const std::shared_ptr<grpc::Channel>& channel) {
  const absl::Time deadline = absl::Now() + kReadyMax;
  const bool is_ready = WaitUntil(deadline, [&] {
    return !process.is_running() ||
           channel->WaitForConnected(absl::ToChronoTime(absl::Now() + absl::Milliseconds(100)));
  });
  if (is_ready && process.is_running()) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(what, " did not get ready:\n", ReadFile(log_file)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Stack>> Stack::Start(StackOptions options) {
  auto stack = std::unique_ptr<Stack>(new Stack(std::move(options)));
  QM_RETURN_IF_ERROR(stack->StartAll());
  return stack;
}

Stack::~Stack() {
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  if (gateway_.has_value()) gateway_->Stop(deadline);
  if (inventory_.has_value()) inventory_->Stop(deadline);
  database_.reset();
  if (!directory_.empty()) RemoveTree(directory_);
}

absl::Status Stack::StartAll() {
  QM_ASSIGN_OR_RETURN(directory_, MakeShortDirectory());
  QM_ASSIGN_OR_RETURN(database_,
                      MariaDbServer::Start({.data_directory = options_.database_data_directory,
                                            .flags = options_.database_flags}));
  QM_RETURN_IF_ERROR(MakeKeys());
  QM_RETURN_IF_ERROR(Migrate());
  QM_RETURN_IF_ERROR(StartInventory());
  return options_.has_gateway ? StartGateway() : absl::OkStatus();
}

absl::Status Stack::MakeKeys() {
  for (const char* verb : {"keys", "pki"}) {
    QM_RETURN_IF_ERROR(RunProgram({.program = ProgramPath("tools/demo_issuer/qm-demo-issuer"),
                                   .arguments = {verb, "--dir", directory_},
                                   .environment = options_.keys_environment,
                                   .log_file = directory_ + "/demo-issuer.log"},
                                  absl::Now() + absl::Seconds(20)));
  }
  if (!options_.systems_json.empty()) {
    std::ofstream(directory_ + "/systems.json") << options_.systems_json;
  }
  return absl::OkStatus();
}

absl::Status Stack::Migrate() {
  QM_ASSIGN_OR_RETURN(const std::unique_ptr<mysql::Connection> connection,
                      mysql::Connection::Open(database_->connection_options()));
  QM_RETURN_IF_ERROR(connection->Execute(absl::StrCat("CREATE DATABASE ", kDatabase)).status());
  return RunProgram({.program = ProgramPath("inventory-svc/inventory-svc"),
                     .arguments = {"migrate"},
                     .environment = InventorySettings(),
                     .log_file = directory_ + "/migrate.log"},
                    absl::Now() + absl::Seconds(60));
}

absl::Status Stack::StartInventory() {
  QM_RETURN_IF_ERROR(FillAddress(inventory_address_));
  const std::string log_file = directory_ + "/inventory-svc.log";
  QM_ASSIGN_OR_RETURN(inventory_,
                      Process::Start({.program = ProgramPath("inventory-svc/inventory-svc"),
                                      .environment = InventorySettings(),
                                      .log_file = log_file}));
  return WaitReady("inventory-svc", log_file, *inventory_, ConnectToInventory("gateway"));
}

absl::StatusOr<Stack::Replica> Stack::StartReplica(const std::string& name,
                                                   std::map<std::string, std::string> settings) {
  std::string& setting = settings["QM_INVENTORY_RPC_ADDRESS"];
  QM_RETURN_IF_ERROR(FillAddress(setting));
  std::string address = setting;
  const std::string log_file = absl::StrCat(directory_, "/", name, ".log");
  settings.merge(InventorySettings());
  QM_ASSIGN_OR_RETURN(Process process,
                      Process::Start({.program = ProgramPath("inventory-svc/inventory-svc"),
                                      .environment = settings,
                                      .log_file = log_file}));
  QM_RETURN_IF_ERROR(WaitReady(name, log_file, process, ConnectToInventoryAt(address, "gateway")));
  return Replica{.process = std::move(process), .address = std::move(address)};
}

absl::Status Stack::StartGateway() {
  QM_RETURN_IF_ERROR(FillAddress(gateway_address_));
  QM_RETURN_IF_ERROR(FillAddress(gateway_http_address_));
  const std::string log_file = directory_ + "/gateway.log";
  QM_ASSIGN_OR_RETURN(gateway_, Process::Start({.program = GatewayPath(),
                                                .environment = GatewaySettings(),
                                                .log_file = log_file}));
  return WaitReady("gateway", log_file, *gateway_, ConnectToGateway());
}

std::map<std::string, std::string> Stack::InventorySettings() const {
  std::map<std::string, std::string> settings = options_.inventory_settings;
  settings.merge(std::map<std::string, std::string>{
      {"QM_INVENTORY_RPC_ADDRESS", inventory_address_.empty() ? "127.0.0.1:0" : inventory_address_},
      {"QM_INVENTORY_ADMIN_ADDRESS", "127.0.0.1:0"},
      {"QM_INVENTORY_TLS_CERTIFICATE_FILE", directory_ + "/inventory.pem"},
      {"QM_INVENTORY_TLS_KEY_FILE", directory_ + "/inventory-key.pem"},
      {"QM_INVENTORY_TLS_CLIENT_CA_FILE", directory_ + "/ca.pem"},
      {"QM_INVENTORY_AUTH_GATEWAY_JWKS_FILE", directory_ + "/gateway-jwks.json"},
      {"QM_INVENTORY_AUTH_SYSTEMS_FILE", directory_ + "/systems.json"},
      {"QM_INVENTORY_DATABASE_SOCKET",
       options_.database_socket.empty() ? database_->socket() : options_.database_socket},
      {"QM_INVENTORY_DATABASE_NAME", kDatabase},
      {"QM_INVENTORY_DATABASE_USER", "root"}});
  return settings;
}

std::map<std::string, std::string> Stack::GatewaySettings() const {
  std::map<std::string, std::string> settings = options_.gateway_settings;
  settings.merge(std::map<std::string, std::string>{
      {"QM_GATEWAY_HTTP_ADDRESS", gateway_http_address_},
      {"QM_GATEWAY_RPC_ADDRESS", gateway_address_},
      {"QM_GATEWAY_RPC_PLAINTEXT", "true"},
      {"QM_GATEWAY_ADMIN_ADDRESS", "127.0.0.1:0"},
      {"QM_GATEWAY_AUTH_DEMO", "true"},
      {"QM_GATEWAY_AUTH_JWKS_FILE", directory_ + "/issuer-jwks.json"},
      {"QM_GATEWAY_AUTH_IDENTITY_KEY_FILE", directory_ + "/gateway-identity-key.pem"},
      {"QM_GATEWAY_INVENTORY_ADDRESS", inventory_address_},
      {"QM_GATEWAY_INVENTORY_CERTIFICATE_FILE", directory_ + "/gateway.pem"},
      {"QM_GATEWAY_INVENTORY_KEY_FILE", directory_ + "/gateway-key.pem"},
      {"QM_GATEWAY_INVENTORY_CA_FILE", directory_ + "/ca.pem"}});
  return settings;
}

absl::StatusOr<std::string> Stack::MakeToken(const std::string& subject,
                                             const std::vector<std::string>& grants) {
  const std::string file = absl::StrCat(directory_, "/token-", subject);
  std::string command = absl::StrCat("exec \"$1\" token --dir \"$2\" --subject \"$3\"");
  std::vector<std::string> arguments = {
      "-c", "", "token", ProgramPath("tools/demo_issuer/qm-demo-issuer"), directory_, subject};
  for (size_t i = 0; i < grants.size(); ++i) {
    absl::StrAppend(&command, " --grant \"${", i + 4, "}\"");
    arguments.push_back(grants[i]);
  }
  arguments[1] = absl::StrCat(command, " >'", file, "' 2>/dev/null");
  RemoveTree(file);
  QM_RETURN_IF_ERROR(
      RunProgram({.program = "sh", .arguments = arguments}, absl::Now() + absl::Seconds(20)));
  return std::string(absl::StripAsciiWhitespace(ReadFile(file)));
}

std::shared_ptr<grpc::Channel> Stack::ConnectToInventory(const std::string& certificate) {
  return ConnectToInventoryAt(inventory_address_, certificate);
}

std::shared_ptr<grpc::Channel> Stack::ConnectToInventoryAt(const std::string& address,
                                                           const std::string& certificate) {
  const std::string stem = absl::StrCat(directory_, "/", certificate);
  return Connect(address, grpc::SslCredentials({.pem_root_certs = ReadFile(directory_ + "/ca.pem"),
                                                .pem_private_key = ReadFile(stem + "-key.pem"),
                                                .pem_cert_chain = ReadFile(stem + ".pem")}));
}

std::shared_ptr<grpc::Channel> Stack::ConnectPlaintext(const std::string& address) {
  return Connect(address, grpc::InsecureChannelCredentials());
}

std::shared_ptr<grpc::Channel> Stack::Connect(
    const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& with) {
  grpc::ChannelArguments arguments;
  // Channels with the same arguments would share one connection.
  arguments.SetInt("qm.channel", ++channel_count_);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // A program that was killed and started again is found at once.
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  // Despite its name this is how long one attempt may take: a busy machine needs its time.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
  return grpc::CreateCustomChannel(address, with, arguments);
}

}  // namespace quartermaster::testing
