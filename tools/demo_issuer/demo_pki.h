#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace quartermaster::demo {

// How long a certificate lives, and from when before its end it is made anew.
inline constexpr absl::Duration kCertificateLifetime = absl::Hours(24 * 30);
inline constexpr absl::Duration kCertificateRenewal = absl::Hours(24 * 7);
// The authority outlives every certificate that it signs before its own renewal.
inline constexpr absl::Duration kAuthorityLifetime = absl::Hours(24 * 365);
inline constexpr absl::Duration kAuthorityRenewal = absl::Hours(24 * (30 + 7));

// Makes in `folder`, each unless it is there and good for a while:
//   ca-key.pem, ca.pem                the demo's certificate authority
//   gateway-key.pem, gateway.pem      spiffe://quartermaster/gateway
//   inventory-key.pem, inventory.pem  spiffe://quartermaster/inventory
//   province-demo-key.pem, province-demo.pem
//                                     spiffe://quartermaster/systems/province-demo
//   systems.json                      what that system may do
// All keys are on P-256. Keys are never made anew: a renewed certificate has the old key, so that a
// program that reads the two files one after the other never sees a pair that does not match.
absl::Status MakePki(const std::string& folder, absl::Time now);

}  // namespace quartermaster::demo
