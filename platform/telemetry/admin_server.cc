#include "platform/telemetry/admin_server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <thread>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace quartermaster::telemetry {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

constexpr int kConnectionsMax = 16;
constexpr uint32_t kRequestBytesMax = 8 * 1024;

using Response = http::response<http::string_body>;

Response MakeResponse(http::status code, absl::string_view content_type, std::string body) {
  Response response(code, 11);
  response.set(http::field::content_type, std::string(content_type));
  response.keep_alive(false);
  response.body() = std::move(body);
  response.prepare_payload();
  return response;
}

Response MakeText(http::status code, std::string body) {
  return MakeResponse(code, "text/plain; charset=utf-8", std::move(body));
}

// Reads one request, answers it, closes. Keeps itself alive through its handlers.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Answer = std::function<Response(const http::request<http::empty_body>&)>;

  // `finished` runs when the connection is closed.
  Connection(tcp::socket socket, absl::Duration time_max, Answer answer,
             std::function<void()> finished)
      : stream_(std::move(socket)),
        time_max_(absl::ToChronoMilliseconds(time_max)),
        answer_(std::move(answer)),
        finished_(std::move(finished)) {
    parser_.header_limit(kRequestBytesMax);
    parser_.body_limit(0);
  }
  ~Connection() { finished_(); }

  void Read() {
    stream_.expires_after(time_max_);
    http::async_read(stream_, buffer_, parser_,
                     [self = shared_from_this()](beast::error_code error, size_t) {
                       if (error) return;
                       self->Write();
                     });
  }

 private:
  void Write() {
    response_ = answer_(parser_.get());
    stream_.expires_after(time_max_);
    http::async_write(stream_, response_, [self = shared_from_this()](beast::error_code, size_t) {
      beast::error_code ignored;
      self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    });
  }

  beast::tcp_stream stream_;
  const std::chrono::milliseconds time_max_;
  const Answer answer_;
  const std::function<void()> finished_;
  beast::flat_buffer buffer_{kRequestBytesMax};
  http::request_parser<http::empty_body> parser_;
  Response response_;
};

}  // namespace

class AdminServer::Impl {
 public:
  Impl(const AdminOptions& options, Metrics& metrics, Readiness& readiness)
      : options_(options), metrics_(metrics), readiness_(readiness) {}

  ~Impl() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }

  absl::Status Listen() {
    const std::string& address = options_.address;
    const size_t colon = address.rfind(':');
    uint32_t port = 0;
    beast::error_code error;
    if (colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port) ||
        port > 65535) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", address, "\" is not an address of the form host:port"));
    }
    tcp::resolver resolver(context_);
    std::string host = address.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
      host = host.substr(1, host.size() - 2);
    }
    const auto found = resolver.resolve(host, std::to_string(port), error);
    if (error || found.empty()) return CannotListen(address, error.message());
    const tcp::endpoint endpoint = *found.begin();
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return CannotListen(address, error.message());
    address_ = absl::StrCat(address.substr(0, colon), ":", acceptor_.local_endpoint().port());
    return absl::OkStatus();
  }

  void Run() {
    Accept();
    thread_ = std::thread([this] { context_.run(); });
  }

  const std::string& address() const { return address_; }

 private:
  static absl::Status CannotListen(absl::string_view address, absl::string_view why) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot listen on ", address, " for operators: ", why));
  }

  void Accept() {
    is_accepting_ = true;
    acceptor_.async_accept([this](beast::error_code error, tcp::socket socket) {
      is_accepting_ = false;
      if (error) {
        // No descriptor left, most likely: try again when one may have come free.
        is_accepting_ = true;
        retry_.expires_after(std::chrono::milliseconds(100));
        retry_.async_wait([this](beast::error_code stopped) {
          if (!stopped) Accept();
        });
        return;
      }
      ++connection_count_;
      std::make_shared<Connection>(
          std::move(socket), options_.connection_time_max,
          [this](const auto& request) { return Answer(request); },
          [this] {
            --connection_count_;
            AcceptUnlessFull();
          })
          ->Read();
      AcceptUnlessFull();
    });
  }

  void AcceptUnlessFull() {
    if (!context_.stopped() && !is_accepting_ && connection_count_ < kConnectionsMax) Accept();
  }

  Response Answer(const http::request<http::empty_body>& request) {
    if (request.method() != http::verb::get) {
      return MakeText(http::status::method_not_allowed, "only GET is answered here\n");
    }
    if (request.target() == "/livez") return MakeText(http::status::ok, "live\n");
    if (request.target() == "/readyz") return AnswerReadiness();
    if (request.target() == "/metrics") {
      return MakeResponse(http::status::ok, "text/plain; version=0.0.4; charset=utf-8",
                          metrics_.Render());
    }
    return MakeText(http::status::not_found, "there are /livez, /readyz and /metrics\n");
  }

  Response AnswerReadiness() {
    const std::vector<Readiness::Failure> failures = readiness_.FindFailures();
    if (failures.empty()) return MakeText(http::status::ok, "ready\n");
    std::string body = "not ready\n";
    for (const Readiness::Failure& failure : failures) {
      absl::StrAppend(&body, failure.check, ": ", failure.why, "\n");
    }
    return MakeText(http::status::service_unavailable, std::move(body));
  }

  const AdminOptions options_;
  Metrics& metrics_;
  Readiness& readiness_;
  asio::io_context context_{1};
  tcp::acceptor acceptor_{context_};
  // Of the thread alone, like `connection_count_`.
  bool is_accepting_ = false;
  int connection_count_ = 0;
  asio::steady_timer retry_{context_};
  std::string address_;
  std::thread thread_;
};

AdminServer::AdminServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AdminServer::~AdminServer() = default;

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(const AdminOptions& options,
                                                                Metrics& metrics,
                                                                Readiness& readiness) {
  auto impl = std::make_unique<Impl>(options, metrics, readiness);
  const absl::Status listening = impl->Listen();
  if (!listening.ok()) return listening;
  impl->Run();
  return std::unique_ptr<AdminServer>(new AdminServer(std::move(impl)));
}

const std::string& AdminServer::address() const { return impl_->address(); }

}  // namespace quartermaster::telemetry
