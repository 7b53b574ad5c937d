#pragma once

#include <map>
#include <string>

#include "absl/time/time.h"

namespace quartermaster::testing {

struct HttpReply {
  int status = 0;
  // By name in lower case.
  std::map<std::string, std::string> headers;
  std::string body;
};

using HttpHeaders = std::map<std::string, std::string>;

// Makes one HTTP/1.1 request over a connection of its own. A status of 0 says that there was no
// answer, or not the whole of it, within `patience`; `body` says why.
HttpReply SendHttp(const std::string& address, const std::string& method, const std::string& target,
                   const HttpHeaders& headers = {}, const std::string& body = "",
                   absl::Duration patience = absl::Seconds(30));

}  // namespace quartermaster::testing
