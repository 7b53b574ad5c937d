#pragma once

#include <string>

namespace quartermaster::rpc {

// gRPC does not tell why it cannot listen. Tries to bind `address` (`host:port` or `unix:/path`)
// itself and returns the operating system's reason; "unknown reason" if it works by now.
std::string FindWhyNotListening(const std::string& address);

}  // namespace quartermaster::rpc
