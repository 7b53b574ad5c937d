#pragma once

#include <google/protobuf/message.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/load/connection.h"
#include "tests/load/target.h"
#include "tests/load/wire.h"

namespace quartermaster::load {

// A connection by HTTP/1.1 in the clear that posts JSON, one call at a time. Status 200 is success;
// of any other answer it tells the message. Not thread-safe.
class JsonConnection final : public Connection {
 public:
  // Fails as `Wire::Open` does. `target` must be in the clear.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const Target& target,
                                                          const Options& options,
                                                          absl::Time deadline);

  // No other call may be under way.
  void Start(int call, const google::protobuf::Message& request) override;
  absl::Status Write() override { return wire_->Flush(); }
  absl::Status Read(std::vector<Answer>& answers) override;
  int fd() const override { return wire_->fd(); }
  bool has_unsent() const override { return wire_->has_unsent(); }

 private:
  // Of an answer of which the whole head has come.
  struct Head {
    size_t size = 0;
    int http_status = 0;
    size_t body_size = 0;
  };

  explicit JsonConnection(std::unique_ptr<Wire> wire) : wire_(std::move(wire)) {}
  static absl::StatusOr<Head> ParseHead(absl::string_view head);
  static absl::Status OutcomeOf(int http_status, absl::string_view body);

  const std::unique_ptr<Wire> wire_;
  // The same for every call, up to the number after `Content-Length: `.
  std::string head_;
  std::string body_;
  // The one under way.
  std::optional<int> call_;
  // Of its answer, as far as it has come.
  std::string received_;
};

}  // namespace quartermaster::load
