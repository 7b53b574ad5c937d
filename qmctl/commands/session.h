#pragma once

#include <google/protobuf/message.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "qmctl/client/client.h"
#include "qmctl/client/credentials.h"
#include "qmctl/client/outcome.h"
#include "qmctl/io/table.h"

namespace quartermaster::qmctl {

// What every command is told before its own options.
struct GlobalOptions {
  std::string server = "127.0.0.1:9090";
  TokenSource token;
  std::string tls_authority_file;
  bool may_send_token_in_clear = false;
  std::string output = "table";
  std::string language;
  double timeout_seconds = 30;
};

// One run of qmctl: its options, its connection, its output. Not thread-safe; the clients it makes
// are.
class Session {
 public:
  // Makes the client of a caller.
  using Connector = std::function<std::unique_ptr<Client>(ClientOptions)>;

  // Calls over gRPC.
  Session();
  explicit Session(Connector connector) : connector_(std::move(connector)) {}

  GlobalOptions options;
  // What the process ends with.
  ExitCode exit_code = ExitCode::kOk;

  // Connects with the token that the options name.
  absl::StatusOr<std::unique_ptr<Client>> Connect() const { return ConnectAs(options.token); }
  // Connects as somebody else. Fails if the token cannot be read or would cross a network in clear.
  absl::StatusOr<std::unique_ptr<Client>> ConnectAs(const TokenSource& token) const;

  // Calls one method with the token that the options name. On failure tells the person and returns
  // false.
  bool Call(absl::string_view method, const google::protobuf::Message& request,
            google::protobuf::Message& response);
  // Does so where an answer is welcome and none will do: tells nothing. The session must have
  // called something before.
  bool TryCall(absl::string_view method, const google::protobuf::Message& request,
               google::protobuf::Message& response) const;

  Language language() const;
  std::string Say(const char* english, const char* chinese) const {
    return Pick(language(), english, chinese);
  }
  bool is_json() const { return options.output == "json"; }
  bool is_table() const { return options.output == "table"; }

  // Prints to standard output: the table as a table or as CSV, the message as JSON.
  void Print(const Table& table, const google::protobuf::Message& message) const;
  void PrintJson(const google::protobuf::Message& message) const;
  // Tells an error on standard error and sets the exit code by it.
  void Fail(const absl::Status& error);
  // Tells what is wrong with the command line or a file; nothing was sent.
  void FailUsage(absl::string_view what);

 private:
  const Connector connector_;
  std::unique_ptr<Client> client_;
};

// Returns a new request id for a write that a person asked for by hand.
std::string MakeRequestId();

}  // namespace quartermaster::qmctl
