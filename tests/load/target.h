#pragma once

#include <string>

namespace quartermaster::load {

// Where a gRPC server of this machine is, and what to show it.
struct Target {
  // `127.0.0.1:port`.
  std::string address;
  // PEM files for TLS with a client certificate. All empty: in the clear.
  std::string ca_file = {};
  std::string certificate_file = {};
  std::string key_file = {};

  bool is_plaintext() const { return ca_file.empty(); }
};

}  // namespace quartermaster::load
