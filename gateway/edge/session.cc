#include "gateway/edge/session.h"

#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/edge/beast_message.h"
#include "gateway/edge/counted_body.h"
#include "gateway/edge/gone_signal.h"
#include "gateway/edge/request_head.h"
#include "platform/status/error.h"

namespace quartermaster::gateway {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace net = boost::asio;
using beast::error_code;
using net::ip::tcp;
using SslStream = beast::ssl_stream<beast::tcp_stream>;

// After an answer that ends a connection, what the client still sends is read and thrown away for
// so long: closing at once would reset the connection and could destroy the answer on its way.
constexpr absl::Duration kLingerTime = absl::Seconds(2);
constexpr size_t kReadSize = 16 * 1024;
// Answers up to this size are not counted: they must be possible when there is no room left.
constexpr int64_t kSmallAnswer = 16 * 1024;
// Room in the buffer beyond the head, for pieces of the body.
constexpr size_t kBodyPiece = 64 * 1024;

std::chrono::nanoseconds ToChrono(absl::Duration duration) {
  return absl::ToChronoNanoseconds(duration);
}

template <typename Stream>
class TypedSession final : public Session,
                           public std::enable_shared_from_this<TypedSession<Stream>> {
 public:
  TypedSession(Stream stream, const SessionParts& parts)
      : parts_(parts),
        options_(parts.options),
        stream_(std::move(stream)),
        buffer_(static_cast<size_t>(options_.head_bytes_max) + kBodyPiece),
        request_room_(parts.body_bytes),
        answer_room_(parts.answer_bytes) {}

  void Run() override {
    net::post(stream_.get_executor(), [self = this->shared_from_this()] { self->Begin(); });
  }

  void CloseIfIdle() override {
    net::post(stream_.get_executor(), [self = this->shared_from_this()] {
      if (self->state_ == State::kIdle) self->Close();
    });
  }

  void Abort() override {
    net::post(stream_.get_executor(), [self = this->shared_from_this()] {
      self->gone_->Raise();
      self->Close();
    });
  }

 private:
  // The request of one connection, on its way through the handler.
  class Exchange final : public HttpExchange {
   public:
    Exchange(std::shared_ptr<TypedSession> session, std::shared_ptr<GoneSignal> gone)
        : session_(std::move(session)), gone_(std::move(gone)) {}

    ~Exchange() override {
      Respond(ErrorResponse(500, status::MakeError(absl::StatusCode::kInternal, "internal error",
                                                   {.reason = "INTERNAL"})));
    }

    void Respond(HttpResponse response) override {
      if (is_answered_.exchange(true)) return;
      gone_->Forget();
      net::post(session_->stream_.get_executor(),
                [session = session_, response = std::move(response)]() mutable {
                  session->OnAnswer(std::move(response));
                });
    }

    void OnGone(std::function<void()> cancel) override { gone_->Watch(std::move(cancel)); }

   private:
    const std::shared_ptr<TypedSession> session_;
    const std::shared_ptr<GoneSignal> gone_;
    std::atomic<bool> is_answered_ = false;
  };

  enum class State { kIdle, kReading, kWaiting, kWriting, kClosing, kClosed };

  static constexpr bool kIsTls = std::is_same_v<Stream, SslStream>;

  beast::tcp_stream& lowest() { return beast::get_lowest_layer(stream_); }

  // Makes a handler that keeps the session alive and runs a member of it.
  template <typename... Args>
  auto Then(void (TypedSession::*member)(Args...)) {
    return [self = this->shared_from_this(), member](Args... args) { ((*self).*member)(args...); };
  }

  void Begin() {
    if constexpr (kIsTls) {
      lowest().expires_after(ToChrono(options_.head_time_max));
      stream_.async_handshake(net::ssl::stream_base::server, Then(&TypedSession::OnHandshake));
    } else {
      ReadHead();
    }
  }

  // A handler that was on its way when the connection was closed has nothing left to do.
  bool IsOver(error_code error) const { return error || state_ == State::kClosed; }

  void OnHandshake(error_code error) {
    if (IsOver(error)) return Close();
    ReadHead();
  }

  void ReadHead() {
    if (parts_.is_stopping) return Linger();
    state_ = State::kIdle;
    parts_.connections.SetIdle(this);
    if (buffer_.size() > 0) return BeginHead();
    lowest().expires_after(
        ToChrono(is_first_request_ ? options_.first_request_time_max : options_.idle_time_max));
    ReadMore();
  }

  // The first byte is here: from now on the clock of the head runs, and no later byte resets it.
  void BeginHead() {
    state_ = State::kReading;
    lowest().expires_after(ToChrono(options_.head_time_max));
    LookAtHead();
  }

  void ReadMore() {
    stream_.async_read_some(buffer_.prepare(kReadSize), Then(&TypedSession::OnRead));
  }

  void OnRead(error_code error, size_t size) {
    if (IsOver(error)) return Close();
    buffer_.commit(size);
    if (state_ == State::kIdle) return BeginHead();
    LookAtHead();
  }

  void LookAtHead() {
    const absl::string_view read(static_cast<const char*>(buffer_.data().data()), buffer_.size());
    const size_t end = read.find("\r\n\r\n");
    const absl::string_view head = end == absl::string_view::npos ? read : read.substr(0, end + 4);
    if (head.size() > static_cast<size_t>(options_.head_bytes_max)) {
      return Fail(431, absl::StatusCode::kInvalidArgument, "HEAD_TOO_LARGE",
                  absl::StrCat("the request line and headers may have ", options_.head_bytes_max,
                               " bytes together"));
    }
    if (end != absl::string_view::npos) return OnHead(head);
    // Somebody who ends lines with LF alone would wait for ever.
    if (HasBareLineFeed(read)) return FailMalformed("a line must end with CR and LF");
    ReadMore();
  }

  void OnHead(absl::string_view head) {
    if (!parts_.connections.SetBusy(this)) return Close();
    is_first_request_ = false;
    if (const absl::Status sound = CheckRequestHead(head); !sound.ok()) {
      return Fail(400, sound);
    }
    parser_.emplace();
    parser_->header_limit(static_cast<uint32_t>(options_.head_bytes_max));
    parser_->body_limit(static_cast<uint64_t>(options_.body_bytes_max));
    error_code error;
    const size_t used = parser_->put(net::buffer(head.data(), head.size()), error);
    if (error == http::error::body_limit) return FailTooLarge();
    if ((error && error != http::error::need_more) || !parser_->is_header_done()) {
      return FailMalformed(error.message());
    }
    is_keeping_alive_ = parser_->keep_alive();
    // Before the body is read: trailers of a chunked body would mix with the head.
    request_ = ReadRequest(parser_->get());
    is_head_request_ = request_.method == "HEAD";
    buffer_.consume(used);
    Admit();
  }

  void Admit() {
    // Nobody would read it, so nobody gets room for it.
    if (request_.HasBody() && (request_.method == "GET" || request_.method == "HEAD")) {
      return Fail(400, absl::StatusCode::kInvalidArgument, "BODY_NOT_TAKEN",
                  absl::StrCat(request_.method, " takes no body: send fields as parameters, after ",
                               "a question mark"));
    }
    if (std::optional<HttpResponse> refusal = parts_.handler.Refuse(request_)) {
      is_keeping_alive_ = is_keeping_alive_ && parser_->is_done();
      state_ = State::kWaiting;
      return OnAnswer(*std::move(refusal));
    }
    holder_ = request_.caller.empty() ? Address() : request_.caller;
    request_room_.StartFor(holder_);
    parser_->get().body().room = &request_room_;

    const absl::string_view expect = request_.Header("expect");
    if (expect.empty()) return ReadBody();
    if (!absl::EqualsIgnoreCase(expect, "100-continue")) {
      return Fail(417, absl::StatusCode::kInvalidArgument, "MALFORMED_REQUEST",
                  "the only expectation is 100-continue");
    }
    if (parser_->is_done()) return ReadBody();
    static constexpr char kContinue[] = "HTTP/1.1 100 Continue\r\n\r\n";
    lowest().expires_after(ToChrono(options_.write_time_max));
    net::async_write(stream_, net::buffer(kContinue, sizeof kContinue - 1),
                     Then(&TypedSession::OnContinueSent));
  }

  std::string Address() {
    error_code ignored;
    return lowest().socket().remote_endpoint(ignored).address().to_string(ignored);
  }

  void OnContinueSent(error_code error, size_t) {
    if (IsOver(error)) return Close();
    ReadBody();
  }

  void ReadBody() {
    if (parser_->is_done()) return Dispatch();
    lowest().expires_after(ToChrono(options_.body_time_max));
    http::async_read(stream_, buffer_, *parser_, Then(&TypedSession::OnBody));
  }

  void OnBody(error_code error, size_t) {
    if (error == http::error::body_limit) return FailTooLarge();
    if (error == boost::system::errc::not_enough_memory) {
      return Fail(503, status::Overloaded("too much is being sent at once, by all together or by "
                                          "this caller",
                                          absl::Seconds(1)));
    }
    if (error && error.category() == http::make_error_code(http::error::bad_chunk).category() &&
        error != http::error::partial_message && error != http::error::end_of_stream) {
      return FailMalformed(error.message());
    }
    if (IsOver(error)) return Close();
    Dispatch();
  }

  void Dispatch() {
    request_.body = std::move(parser_->get().body().bytes);
    parser_.reset();
    state_ = State::kWaiting;
    lowest().expires_never();
    gone_ = std::make_shared<GoneSignal>();
    const auto exchange = std::make_shared<Exchange>(this->shared_from_this(), gone_);
    WatchForGone();
    parts_.handler.Handle(std::move(request_), exchange);
  }

  // While an answer is awaited, the socket becomes readable when the client closes it, or sends the
  // next request early; a peek tells which.
  void WatchForGone() {
    lowest().socket().async_wait(
        tcp::socket::wait_read, [self = this->shared_from_this(), gone = gone_](error_code error) {
          if (error || self->state_ != State::kWaiting || self->gone_ != gone) return;
          char byte;
          const ssize_t size =
              ::recv(self->lowest().socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
          if (size > 0) return;
          // It was readable when it woke us and is not any more: the reactor may tell that of the
          // bytes of the request itself.
          if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
            return self->WatchForGone();
          }
          gone->Raise();
          self->Close();
        });
  }

  void OnAnswer(HttpResponse response) {
    if (state_ != State::kWaiting) return;
    error_code ignored;
    lowest().socket().cancel(ignored);
    Write(std::move(response));
  }

  void FailMalformed(absl::string_view why) {
    Fail(400, absl::StatusCode::kInvalidArgument, "MALFORMED_REQUEST",
         absl::StrCat("the request cannot be read: ", why));
  }

  void FailTooLarge() {
    Fail(413, absl::StatusCode::kInvalidArgument, "BODY_TOO_LARGE",
         absl::StrCat("a body may have ", options_.body_bytes_max,
                      " bytes; send what you have in several requests"));
  }

  void Fail(int http_status, absl::StatusCode code, absl::string_view reason,
            absl::string_view message) {
    Fail(http_status, status::MakeError(code, message, {.reason = std::string(reason)}));
  }

  // Answers what could not be read to its end, so the connection ends too.
  void Fail(int http_status, const absl::Status& why) {
    parts_.handler.OnRefused(why);
    is_keeping_alive_ = false;
    parser_.reset();
    Write(ErrorResponse(http_status, why));
  }

  // Counts the answer; the request, nobody needs any more. One too many is not sent: what it tells
  // of has happened, and who repeats the request is told again.
  HttpResponse WithinBudget(HttpResponse response) {
    request_room_.GiveBack();
    const auto size = static_cast<int64_t>(response.body.size());
    if (size <= kSmallAnswer) return response;
    answer_room_.StartFor(holder_);
    if (answer_room_.Take(size)) return response;
    const absl::Status why =
        status::Overloaded("too many answers wait to be fetched", absl::Seconds(1));
    parts_.handler.OnRefused(why);
    return ErrorResponse(503, why);
  }

  void Write(HttpResponse response) {
    state_ = State::kWriting;
    is_keeping_alive_ = is_keeping_alive_ && !parts_.is_stopping;
    message_.emplace(MakeMessage(WithinBudget(std::move(response)), kIsTls));
    message_->keep_alive(is_keeping_alive_);
    if (is_head_request_) message_->body().clear();
    lowest().expires_after(ToChrono(options_.write_time_max));
    http::async_write(stream_, *message_, Then(&TypedSession::OnWritten));
  }

  void OnWritten(error_code error, size_t) {
    message_.reset();
    answer_room_.GiveBack();
    if (IsOver(error)) return Close();
    if (!is_keeping_alive_) return Linger();
    ReadHead();
  }

  void Linger() {
    state_ = State::kClosing;
    parts_.connections.SetIdle(this);
    lowest().expires_after(ToChrono(kLingerTime));
    if constexpr (kIsTls) {
      stream_.async_shutdown(
          [self = this->shared_from_this()](error_code) { self->LingerOnSocket(); });
    } else {
      LingerOnSocket();
    }
  }

  void LingerOnSocket() {
    error_code ignored;
    lowest().socket().shutdown(tcp::socket::shutdown_send, ignored);
    buffer_.consume(buffer_.size());
    Discard();
  }

  void Discard() {
    lowest().async_read_some(buffer_.prepare(kReadSize), Then(&TypedSession::OnDiscard));
  }

  void OnDiscard(error_code error, size_t) {
    if (error || state_ != State::kClosing) return Close();
    Discard();
  }

  void Close() {
    if (std::exchange(state_, State::kClosed) == State::kClosed) return;
    request_room_.GiveBack();
    answer_room_.GiveBack();
    lowest().close();
    parts_.connections.Remove(this);
  }

  // Keeps the server's insides alive, so it goes last.
  const SessionParts parts_;
  const HttpServer::Options& options_;
  Stream stream_;
  beast::flat_buffer buffer_;
  State state_ = State::kIdle;
  bool is_keeping_alive_ = false;
  bool is_head_request_ = false;
  bool is_first_request_ = true;
  // On whose behalf room is taken: the caller of the request, or whoever is at the other end.
  std::string holder_;
  Budget::Part request_room_;
  Budget::Part answer_room_;
  HttpRequest request_;
  std::optional<http::request_parser<CountedBody>> parser_;
  std::optional<HttpMessage> message_;
  std::shared_ptr<GoneSignal> gone_ = std::make_shared<GoneSignal>();
};

}  // namespace

std::shared_ptr<Session> MakeSession(tcp::socket socket,
                                     const std::shared_ptr<net::ssl::context>& tls,
                                     const SessionParts& parts) {
  if (tls == nullptr) {
    return std::make_shared<TypedSession<beast::tcp_stream>>(beast::tcp_stream(std::move(socket)),
                                                             parts);
  }
  return std::make_shared<TypedSession<SslStream>>(SslStream(std::move(socket), *tls), parts);
}

}  // namespace quartermaster::gateway
