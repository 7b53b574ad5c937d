#include "tests/load/grpc_connection.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gateway/transcode/percent.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"

namespace quartermaster::load {
namespace {

constexpr size_t kPrefixBytes = 5;

// How much the server may send before it is told that it was read: no answer waits for that.
constexpr uint32_t kStreamWindowBytes = 1 << 20;
constexpr int32_t kConnectionWindowBytes = 16 << 20;

// Writes the size of a message before it, as gRPC does: not compressed, four bytes, the highest
// first.
void SetPrefix(std::string& framed) {
  const size_t size = framed.size() - kPrefixBytes;
  for (int i = 0; i < 4; ++i) framed[1 + i] = static_cast<char>(size >> (24 - 8 * i));
}

uint32_t SizeAfter(const uint8_t* prefix) {
  return uint32_t{prefix[1]} << 24 | uint32_t{prefix[2]} << 16 | uint32_t{prefix[3]} << 8 |
         prefix[4];
}

struct FreeCallbacks {
  void operator()(nghttp2_session_callbacks* callbacks) const {
    nghttp2_session_callbacks_del(callbacks);
  }
};

absl::string_view ToText(const uint8_t* bytes, size_t count) {
  return {reinterpret_cast<const char*>(bytes), count};
}

}  // namespace

absl::StatusOr<std::unique_ptr<Connection>> GrpcConnection::Open(const Target& target,
                                                                 const Options& options,
                                                                 absl::Time deadline) {
  QM_ASSIGN_OR_RETURN(std::unique_ptr<Wire> wire, Wire::Open(target, deadline));
  auto connection = std::unique_ptr<GrpcConnection>(new GrpcConnection(std::move(wire), options));
  connection->header_texts_ = {
      {":method", "POST"},
      {":scheme", target.is_plaintext() ? "http" : "https"},
      {":path", options.path},
      {":authority", target.address},
      {"te", "trailers"},
      {"content-type", "application/grpc"},
      {"user-agent", "qm-bench"},
      {"grpc-timeout", absl::StrCat(absl::ToInt64Milliseconds(options.call_timeout), "m")}};
  for (const auto& entry : options.metadata) connection->header_texts_.push_back(entry);
  QM_RETURN_IF_ERROR(connection->Greet());
  return connection;
}

GrpcConnection::GrpcConnection(std::unique_ptr<Wire> wire, const Options& options)
    : wire_(std::move(wire)), calls_(options.call_count) {
  for (int i = 0; i < options.call_count; ++i) calls_[i].number = i;
}

absl::Status GrpcConnection::Greet() {
  for (auto& [name, value] : header_texts_) {
    headers_.push_back({.name = reinterpret_cast<uint8_t*>(name.data()),
                        .value = reinterpret_cast<uint8_t*>(value.data()),
                        .namelen = name.size(),
                        .valuelen = value.size(),
                        .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE});
  }
  nghttp2_session_callbacks* made = nullptr;
  QM_CHECK(nghttp2_session_callbacks_new(&made) == 0);
  const std::unique_ptr<nghttp2_session_callbacks, FreeCallbacks> callbacks(made);
  nghttp2_session_callbacks_set_on_header_callback(made, OnHeader);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, OnData);
  nghttp2_session_callbacks_set_on_frame_recv_callback(made, OnFrame);
  nghttp2_session_callbacks_set_on_stream_close_callback(made, OnClose);
  nghttp2_session* session = nullptr;
  QM_CHECK(nghttp2_session_client_new(&session, made, this) == 0);
  session_.reset(session);
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindowBytes}};
  QM_CHECK(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, std::size(settings)) == 0);
  QM_CHECK(nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0,
                                                 kConnectionWindowBytes) == 0);
  return Write();
}

void GrpcConnection::Start(int call, const google::protobuf::Message& request) {
  Call& begun = calls_[call];
  begun.request.assign(kPrefixBytes, '\0');
  QM_CHECK(request.AppendToString(&begun.request));
  SetPrefix(begun.request);
  begun.sent_bytes = 0;
  begun.http_status.clear();
  begun.grpc_status.clear();
  begun.grpc_message.clear();
  begun.received_bytes = 0;
  nghttp2_data_provider body = {.source = {.ptr = &begun}, .read_callback = OnSend};
  // Fails after 2^30 calls, when the connection has no number left for a stream.
  QM_CHECK(nghttp2_submit_request(session_.get(), nullptr, headers_.data(), headers_.size(), &body,
                                  &begun) > 0);
}

absl::Status GrpcConnection::Write() {
  frames_.clear();
  while (true) {
    const uint8_t* bytes = nullptr;
    const ssize_t count = nghttp2_session_mem_send(session_.get(), &bytes);
    if (count < 0) return absl::InternalError(nghttp2_strerror(static_cast<int>(count)));
    if (count == 0) break;
    frames_.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(count));
  }
  QM_RETURN_IF_ERROR(wire_->Write(frames_));
  return wire_->Flush();
}

absl::Status GrpcConnection::Read(std::vector<Answer>& answers) {
  answers_ = &answers;
  const absl::Status read = wire_->Read([this](const uint8_t* bytes, size_t count) {
    const ssize_t taken = nghttp2_session_mem_recv(session_.get(), bytes, count);
    return taken < 0 ? absl::UnavailableError(
                           absl::StrCat("not HTTP/2: ", nghttp2_strerror(static_cast<int>(taken))))
                     : absl::OkStatus();
  });
  answers_ = nullptr;
  QM_RETURN_IF_ERROR(read);
  if (is_ending_) return absl::UnavailableError("the server is about to end the connection");
  return absl::OkStatus();
}

absl::Status GrpcConnection::OutcomeOf(const Call& call, uint32_t error_code) {
  if (call.grpc_status.empty()) {
    return absl::UnknownError(absl::StrCat(
        "no grpc-status; HTTP status ", call.http_status.empty() ? "missing" : call.http_status,
        ", stream closed as ", nghttp2_http2_strerror(error_code)));
  }
  int code = 0;
  if (!absl::SimpleAtoi(call.grpc_status, &code)) {
    return absl::UnknownError(absl::StrCat("grpc-status ", call.grpc_status));
  }
  if (code != 0) {
    return absl::Status(static_cast<absl::StatusCode>(code),
                        gateway::PercentDecode(call.grpc_message).value_or(call.grpc_message));
  }
  if (call.received_bytes < kPrefixBytes || call.prefix[0] != 0 ||
      call.received_bytes - kPrefixBytes != SizeAfter(call.prefix)) {
    return absl::InternalError(
        absl::StrCat("OK, but ", call.received_bytes, " bytes are not one whole message"));
  }
  return absl::OkStatus();
}

ssize_t GrpcConnection::OnSend(nghttp2_session*, int32_t, uint8_t* buffer, size_t size,
                               uint32_t* flags, nghttp2_data_source* source, void*) {
  Call& call = *static_cast<Call*>(source->ptr);
  const size_t count = std::min(size, call.request.size() - call.sent_bytes);
  std::memcpy(buffer, call.request.data() + call.sent_bytes, count);
  call.sent_bytes += count;
  if (call.sent_bytes == call.request.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(count);
}

int GrpcConnection::OnHeader(nghttp2_session* session, const nghttp2_frame* frame,
                             const uint8_t* name, size_t name_size, const uint8_t* value,
                             size_t value_size, uint8_t, void*) {
  auto* call =
      static_cast<Call*>(nghttp2_session_get_stream_user_data(session, frame->hd.stream_id));
  if (call == nullptr) return 0;
  const absl::string_view header = ToText(name, name_size);
  if (header == ":status") {
    call->http_status.assign(reinterpret_cast<const char*>(value), value_size);
  } else if (header == "grpc-status") {
    call->grpc_status.assign(reinterpret_cast<const char*>(value), value_size);
  } else if (header == "grpc-message") {
    call->grpc_message.assign(reinterpret_cast<const char*>(value), value_size);
  }
  return 0;
}

int GrpcConnection::OnData(nghttp2_session* session, uint8_t, int32_t stream, const uint8_t* bytes,
                           size_t count, void*) {
  auto* call = static_cast<Call*>(nghttp2_session_get_stream_user_data(session, stream));
  if (call == nullptr) return 0;
  for (size_t i = 0; i < count && call->received_bytes + i < kPrefixBytes; ++i) {
    call->prefix[call->received_bytes + i] = bytes[i];
  }
  call->received_bytes += count;
  return 0;
}

int GrpcConnection::OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* self) {
  if (frame->hd.type == NGHTTP2_GOAWAY) static_cast<GrpcConnection*>(self)->is_ending_ = true;
  return 0;
}

int GrpcConnection::OnClose(nghttp2_session* session, int32_t stream, uint32_t error_code,
                            void* self) {
  auto* call = static_cast<Call*>(nghttp2_session_get_stream_user_data(session, stream));
  auto* answers = static_cast<GrpcConnection*>(self)->answers_;
  if (call == nullptr || answers == nullptr) return 0;
  answers->push_back({.call = call->number, .status = OutcomeOf(*call, error_code)});
  return 0;
}

}  // namespace quartermaster::load
