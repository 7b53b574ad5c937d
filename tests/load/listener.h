#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "tests/harness/endpoint.h"

namespace quartermaster::load {

// A server of a test that takes connections and says nothing by itself. Not thread-safe.
class Listener {
 public:
  Listener() : endpoint_("", 0), socket_(endpoint_.MakeSocket()) {
    QM_CHECK(::bind(socket_.get(), endpoint_.get(), endpoint_.size) == 0);
    QM_CHECK(::listen(socket_.get(), 16) == 0);
    QM_CHECK(::getsockname(socket_.get(), endpoint_.get(), &endpoint_.size) == 0);
  }

  std::string address() const {
    const auto& bound = reinterpret_cast<const sockaddr_in&>(endpoint_.address);
    return absl::StrCat("127.0.0.1:", ntohs(bound.sin_port));
  }

  // Returns a connection that was made before.
  testing::Descriptor Accept() const {
    testing::Descriptor accepted(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    QM_CHECK(accepted.is_open());
    return accepted;
  }

 private:
  testing::Endpoint endpoint_;
  testing::Descriptor socket_;
};

}  // namespace quartermaster::load
