#pragma once

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/config/settings.h"
#include "platform/log/log.h"
#include "platform/rpc/executor.h"
#include "platform/rpc/live_calls.h"
#include "platform/rpc/serve.h"
#include "platform/telemetry/admin_server.h"
#include "platform/telemetry/metrics.h"
#include "platform/telemetry/readiness.h"

namespace quartermaster::rpc {

// Who must show a certificate to connect. Set by the program, never by a setting.
enum class ClientCertificate {
  // Every client, one that the CA signed: for services, which only programs call.
  kRequired,
  // Whoever shows one must show a good one: for the gateway, whose callers may be persons.
  kVerifiedIfShown,
};

struct ServerOptions {
  // Which program this is, for the log: `inventory-svc`.
  std::string program;
  // What its settings begin with, for messages that name one. `Declare` sets it.
  std::string setting_prefix;
  // `host:port`, port 0 takes a free one; or `unix:/path`.
  std::string address = "127.0.0.1:0";
  // Where to write the address, with the port that it got, once calls are taken. Empty: nowhere.
  std::string address_file;
  std::string admin_address = "127.0.0.1:0";
  std::string admin_address_file;

  // PEM files, read again when they change.
  std::string certificate_file;
  std::string key_file;
  std::string client_ca_file;
  absl::Duration tls_refresh_interval = absl::Seconds(10);
  ClientCertificate client_certificate = ClientCertificate::kRequired;
  // No TLS at all. Possible on loopback and unix sockets only, and only when asked for.
  bool is_plaintext = false;
  bool has_reflection = true;

  int receive_bytes_max = 4 * 1024 * 1024;
  int metadata_bytes_max = 64 * 1024;
  int64_t memory_bytes_max = 256 * 1024 * 1024;
  int streams_per_connection_max = 100;
  absl::Duration connection_age_max = absl::Minutes(5);
  absl::Duration connection_age_grace = absl::Seconds(30);

  // After NOT_SERVING and before connections close: for balancers to take notice.
  absl::Duration drain_notice = absl::ZeroDuration();
  // How long calls may take to end before they are cancelled.
  absl::Duration drain_time = absl::Seconds(20);
  // How long after that the process ends, whatever still hangs.
  absl::Duration exit_grace = absl::Seconds(5);

  Executors::Options executors;
  Serve::Limits limits;
  log::Options log;

  // Declares all of these that an operator may change, as `<prefix>RPC_ADDRESS` and so on.
  void Declare(config::Settings& settings);
};

// What a server is made of. All of it must outlive the server.
struct ServerParts {
  std::vector<grpc::Service*> services;
  const Serve& serve;
  Executors& executors;
  telemetry::Metrics& metrics;
  telemetry::Readiness& readiness;
  // Of the database, for the start line; empty for a program without one.
  std::string schema_version;
  // Takes the calls of every method that none of `services` has, for a program that passes calls
  // on. Null: they are answered with UNIMPLEMENTED.
  grpc::CallbackGenericService* generic_service = nullptr;
  // Paths of the methods whose requests `services` take as bytes, which nobody here may call
  // malformed.
  absl::flat_hash_set<std::string> byte_methods = {};
  // Called once calls are taken and before `Start` returns, which fails if it fails; for a program
  // that takes calls by other ways too and hands them to this server by
  // `grpc::Server::InProcessChannel`.
  std::function<absl::Status(grpc::Server&)> on_started = nullptr;
  // Called when draining begins, even if `on_started` failed, after NOT_SERVING was said and before
  // connections close: the other ways stop here.
  std::function<void()> on_draining = nullptr;
};

// A running gRPC server of the callback kind, with the standard health service (``, `readiness` and
// `liveness`), reflection, and the operators' HTTP port.
//
// Thread-safe. Its destructor drains it if `Drain` was not called.
class Server {
 public:
  // Starts to take calls. Fails with FAILED_PRECONDITION or INVALID_ARGUMENT, naming the setting
  // and what would be right, if an address is in use, a certificate cannot be used, or plaintext is
  // asked for on a network.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options,
                                                       const ServerParts& parts);
  ~Server();

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // The addresses, with the ports that they got.
  const std::string& address() const;
  const std::string& admin_address() const;

  // Says NOT_SERVING, stops taking calls, lets those that run end within the drain time, cancels
  // the rest. Returns when all have ended; if they do not within the grace, says which hang and
  // ends the process with exit code 75, because gRPC would wait for ever.
  void Drain();

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

// Runs a server until SIGTERM or SIGINT, then drains it. Returns the exit code of the program: 0,
// or 1 if the server could not start, having said why in the log.
int RunServer(const ServerOptions& options, const ServerParts& parts);

// Reads the settings of a program and starts its log. If they are wrong, says what and returns exit
// code 78 (EX_CONFIG); if `--print-settings` is among the arguments, prints the table and returns
// 0; otherwise nothing, and the program goes on.
std::optional<int> StartProgram(int argc, char** argv, const config::Settings& settings,
                                const ServerOptions& options);

}  // namespace quartermaster::rpc
