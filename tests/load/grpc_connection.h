#pragma once

#include <google/protobuf/message.h>
#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/load/connection.h"
#include "tests/load/target.h"
#include "tests/load/wire.h"

namespace quartermaster::load {

// A connection that carries unary calls of gRPC, many at a time. Calls beyond the streams that the
// server allows wait for their turn. Not thread-safe.
class GrpcConnection final : public Connection {
 public:
  // Fails as `Wire::Open` does.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const Target& target,
                                                          const Options& options,
                                                          absl::Time deadline);

  void Start(int call, const google::protobuf::Message& request) override;
  absl::Status Write() override;
  absl::Status Read(std::vector<Answer>& answers) override;
  int fd() const override { return wire_->fd(); }
  bool has_unsent() const override { return wire_->has_unsent(); }

 private:
  struct Free {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };

  // What is known of a call under way.
  struct Call {
    int number = 0;
    std::string request;
    size_t sent_bytes = 0;
    // Of the answer: its headers, the beginning of its message and how many bytes came in all.
    std::string http_status;
    std::string grpc_status;
    std::string grpc_message;
    uint8_t prefix[5] = {};
    size_t received_bytes = 0;
  };

  GrpcConnection(std::unique_ptr<Wire> wire, const Options& options);
  absl::Status Greet();
  // The outcome of a call whose stream was closed with that error code of HTTP/2.
  static absl::Status OutcomeOf(const Call& call, uint32_t error_code);

  static ssize_t OnSend(nghttp2_session* session, int32_t stream, uint8_t* buffer, size_t size,
                        uint32_t* flags, nghttp2_data_source* source, void* self);
  static int OnHeader(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_size, const uint8_t* value, size_t value_size, uint8_t flags,
                      void* self);
  static int OnData(nghttp2_session* session, uint8_t flags, int32_t stream, const uint8_t* bytes,
                    size_t count, void* self);
  static int OnFrame(nghttp2_session* session, const nghttp2_frame* frame, void* self);
  static int OnClose(nghttp2_session* session, int32_t stream, uint32_t error_code, void* self);

  const std::unique_ptr<Wire> wire_;
  // The same for every call. `headers_` points into `header_texts_`.
  std::vector<std::pair<std::string, std::string>> header_texts_;
  std::vector<nghttp2_nv> headers_;
  // Never grows: nghttp2 keeps pointers to its elements.
  std::deque<Call> calls_;
  // Where the calls that end while something is read are noted.
  std::vector<Answer>* answers_ = nullptr;
  bool is_ending_ = false;
  std::string frames_;
  std::unique_ptr<nghttp2_session, Free> session_;
};

}  // namespace quartermaster::load
