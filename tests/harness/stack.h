#pragma once

#include <grpcpp/grpcpp.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/harness/mariadb_server.h"
#include "tests/harness/process.h"

namespace quartermaster::testing {

struct StackOptions {
  // Also starts the gateway.
  bool has_gateway = true;
  // Where inventory-svc finds the database; empty: the server's own socket. For a proxy between.
  std::string database_socket;
  // Environment of what makes keys and certificates: a clock that is wrong, say.
  std::map<std::string, std::string> keys_environment;
  // Flags of the database beside those of `MariaDbServer`; they win.
  std::vector<std::string> database_flags;
  // Where the database keeps its data; empty: in its own directory.
  std::string database_data_directory;
  // What systems.json says; empty: what the demo's says.
  std::string systems_json;
  // Settings beside those that the stack makes; they win.
  std::map<std::string, std::string> inventory_settings;
  std::map<std::string, std::string> gateway_settings;
};

// The real programs as processes: a private MariaDB, inventory-svc and the gateway, with keys and
// certificates of their own, on free ports of the loopback. Stopped, and all its files removed,
// when it goes. Not thread-safe; start it on a thread that lives as long as it does.
class Stack {
 public:
  // Starts everything and waits until it is ready.
  static absl::StatusOr<std::unique_ptr<Stack>> Start(StackOptions options = {});
  ~Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  MariaDbServer& database() { return *database_; }
  Process& inventory() { return *inventory_; }
  Process& gateway() { return *gateway_; }

  // Starts a program again, on the same ports, after it was stopped or killed; waits until it is
  // ready.
  absl::Status StartInventory();
  absl::Status StartGateway();

  // One more inventory-svc on the same database.
  struct Replica {
    Process process;
    std::string address;
  };
  // Starts one, whose settings beside those of the stack are `settings`; waits until it is ready.
  // `name` names its log. It takes a free port, unless `QM_INVENTORY_RPC_ADDRESS` names one: that
  // of a replica that was killed, say.
  absl::StatusOr<Replica> StartReplica(const std::string& name,
                                       std::map<std::string, std::string> settings);

  // From its next start on inventory-svc looks for the database there: a proxy, say.
  void UseDatabaseSocket(std::string socket) { options_.database_socket = std::move(socket); }

  // `127.0.0.1:port`.
  const std::string& inventory_address() const { return inventory_address_; }
  const std::string& gateway_address() const { return gateway_address_; }
  const std::string& gateway_http_address() const { return gateway_http_address_; }
  // Keys, certificates and logs.
  const std::string& directory() const { return directory_; }

  // Returns a token of the demo issuer for a subject with these grants (`dispatcher@units/city`).
  absl::StatusOr<std::string> MakeToken(const std::string& subject,
                                        const std::vector<std::string>& grants);
  // Connects to inventory-svc with the certificate of that name (`province-demo`, `gateway`). Each
  // channel has a connection of its own.
  std::shared_ptr<grpc::Channel> ConnectToInventory(const std::string& certificate);
  // Connects likewise to an inventory-svc at that address.
  std::shared_ptr<grpc::Channel> ConnectToInventoryAt(const std::string& address,
                                                      const std::string& certificate);
  // Connects to the gateway's gRPC port.
  std::shared_ptr<grpc::Channel> ConnectToGateway() { return ConnectPlaintext(gateway_address_); }
  // Connects to anything on the loopback that speaks in the clear.
  std::shared_ptr<grpc::Channel> ConnectPlaintext(const std::string& address);

 private:
  explicit Stack(StackOptions options) : options_(std::move(options)) {}
  absl::Status StartAll();
  absl::Status MakeKeys();
  absl::Status Migrate();
  std::map<std::string, std::string> InventorySettings() const;
  std::map<std::string, std::string> GatewaySettings() const;
  std::shared_ptr<grpc::Channel> Connect(const std::string& address,
                                         const std::shared_ptr<grpc::ChannelCredentials>& with);

  StackOptions options_;
  std::string directory_;
  std::unique_ptr<MariaDbServer> database_;
  std::optional<Process> inventory_;
  std::optional<Process> gateway_;
  std::string inventory_address_;
  std::string gateway_address_;
  std::string gateway_http_address_;
  int channel_count_ = 0;
};

}  // namespace quartermaster::testing
