#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "tests/harness/process.h"

namespace quartermaster::load {

// A private nginx that passes gRPC on to inventory-svc, in the gateway's place: HTTP/2 in the clear
// on loopback in front, TLS with a client certificate behind, two workers, connections kept.
// Stopped when it goes.
class Nginx {
 public:
  // `keys` holds ca.pem, province-demo.pem and province-demo-key.pem.
  static absl::StatusOr<std::unique_ptr<Nginx>> Start(const std::string& keys,
                                                      const std::string& upstream);
  const std::string& address() const { return address_; }

 private:
  Nginx() = default;

  std::string address_;
  std::optional<testing::Process> process_;
};

}  // namespace quartermaster::load
