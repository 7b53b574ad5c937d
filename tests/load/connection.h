#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace quartermaster::load {

// A connection that carries calls of one method at little cost: no thread of its own, no answer
// made into a message.
//
//   connection->Start(0, request);
//   connection->Write();
//   // when the socket has something to read
//   connection->Read(answers);
//
// A connection that the server ends is not made anew. Not thread-safe.
class Connection {
 public:
  struct Options {
    // Of the method: `/package.Service/Method` for gRPC, `/v1/…` for JSON.
    std::string path;
    // Sent with every call, for instance `authorization`.
    std::vector<std::pair<std::string, std::string>> metadata;
    // What each call asks to be answered within, where the protocol can say so. The server sees to
    // it.
    absl::Duration call_timeout;
    // Calls are numbered from 0 to one less.
    int call_count = 1;
  };

  // How one call ended: OK, or what the server or the connection said.
  struct Answer {
    int call;
    absl::Status status;
  };

  virtual ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Begins call number `call`, which must not be under way. Nothing is sent before `Write`.
  virtual void Start(int call, const google::protobuf::Message& request) = 0;

  // Sends all that was begun, in one go, as far as the server takes it; to be called again when it
  // takes more. UNAVAILABLE when the connection has ended, and with it every call under way.
  virtual absl::Status Write() = 0;

  // Takes in what has come and adds the calls that it ends. Fails as `Write` does.
  virtual absl::Status Read(std::vector<Answer>& answers) = 0;

  // The socket, and whether to wait there until the server takes more.
  virtual int fd() const = 0;
  virtual bool has_unsent() const = 0;

 protected:
  Connection() = default;
};

}  // namespace quartermaster::load
