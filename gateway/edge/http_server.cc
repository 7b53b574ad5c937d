#include "gateway/edge/http_server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "gateway/edge/budget.h"
#include "gateway/edge/connections.h"
#include "gateway/edge/session.h"
#include "gateway/edge/tls_files.h"
#include "platform/base/status_macros.h"
#include "platform/status/error.h"

namespace quartermaster::gateway {
namespace {

namespace net = boost::asio;
using boost::system::error_code;
using net::ip::tcp;

// How long no connection is taken after the process ran out of file descriptors.
constexpr absl::Duration kAcceptPause = absl::Milliseconds(100);

absl::StatusOr<tcp::endpoint> ParseAddress(absl::string_view address) {
  const size_t colon = address.rfind(':');
  uint32_t port = 0;
  if (colon != absl::string_view::npos && absl::SimpleAtoi(address.substr(colon + 1), &port) &&
      port <= 65535) {
    absl::string_view host = address.substr(0, colon);
    if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
    error_code error;
    const auto ip = net::ip::make_address(std::string(host), error);
    if (!error) return tcp::endpoint(ip, static_cast<uint16_t>(port));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("\"", address, "\" is not an address like 127.0.0.1:8080"));
}

}  // namespace

class HttpServer::Impl : public std::enable_shared_from_this<HttpServer::Impl> {
 public:
  Impl(const Options& options, HttpHandler& handler)
      : options_(options),
        handler_(handler),
        body_bytes_(options.body_bytes_in_all_max),
        answer_bytes_(options.answer_bytes_in_all_max),
        connections_(options.connections_max),
        context_(options.thread_count),
        acceptor_(net::make_strand(context_)),
        accept_timer_(acceptor_.get_executor()) {}

  absl::Status Start() {
    if (!options_.certificate_file.empty() || !options_.key_file.empty()) {
      QM_ASSIGN_OR_RETURN(tls_, TlsFiles::Open({.certificate_file = options_.certificate_file,
                                                .key_file = options_.key_file,
                                                .check_interval = options_.tls_refresh_interval,
                                                .on_problem = options_.on_tls_problem}));
    }
    QM_ASSIGN_OR_RETURN(const tcp::endpoint endpoint, ParseAddress(options_.address));
    error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(net::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(net::socket_base::max_listen_connections, error);
    if (error) {
      return absl::FailedPreconditionError(
          absl::StrCat("cannot serve HTTP at ", options_.address, ": ", error.message()));
    }
    const tcp::endpoint got = acceptor_.local_endpoint(error);
    address_ =
        absl::StrCat(options_.address.substr(0, options_.address.rfind(':')), ":", got.port());
    Accept();
    for (int i = 0; i < options_.thread_count; ++i) {
      threads_.emplace_back([this] { context_.run(); });
    }
    return absl::OkStatus();
  }

  const std::string& address() const { return address_; }

  int connection_count() const { return connections_.count(); }

  void Stop(absl::Time deadline) {
    // Seen by every connection at once: an answer that goes out from now on says that it is the
    // last.
    is_stopping_ = true;
    net::post(acceptor_.get_executor(), [this] {
      error_code ignored;
      accept_timer_.cancel();
      acceptor_.close(ignored);
    });
    for (const std::shared_ptr<Session>& session : connections_.All()) session->CloseIfIdle();
    connections_.AwaitNone(deadline);
    for (const std::shared_ptr<Session>& session : connections_.All()) session->Abort();
    connections_.AwaitNone(absl::Now() + absl::Seconds(1));
    context_.stop();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    // What is left to do may hold this object, which holds the context: let it end.
    context_.restart();
    context_.poll();
  }

 private:
  void Accept() {
    acceptor_.async_accept(net::make_strand(context_),
                           [this](error_code error, tcp::socket socket) {
                             if (is_stopping_) return;
                             if (error) return PauseAccepting();
                             Admit(std::move(socket));
                             Accept();
                           });
  }

  // Most likely the process is out of file descriptors: trying again at once would spin.
  void PauseAccepting() {
    accept_timer_.expires_after(absl::ToChronoNanoseconds(kAcceptPause));
    accept_timer_.async_wait([this](error_code error) {
      if (!error && !is_stopping_) Accept();
    });
  }

  void Admit(tcp::socket socket) {
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    if (connections_.MakeRoom()) {
      const std::shared_ptr<Session> session =
          MakeSession(std::move(socket), tls_ == nullptr ? nullptr : tls_->Current(absl::Now()),
                      {.options = options_,
                       .handler = handler_,
                       .connections = connections_,
                       .body_bytes = body_bytes_,
                       .answer_bytes = answer_bytes_,
                       .is_stopping = is_stopping_,
                       .owner = shared_from_this()});
      connections_.Add(session);
      return session->Run();
    }
    handler_.OnRefused(status::Overloaded("there are too many connections", absl::Seconds(1)));
    static constexpr char kFull[] =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n"
        "Connection: close\r\n\r\n";
    socket.non_blocking(true, ignored);
    if (tls_ == nullptr) socket.send(net::buffer(kFull, sizeof kFull - 1), 0, ignored);
  }

  const Options options_;
  HttpHandler& handler_;
  Budget body_bytes_;
  Budget answer_bytes_;
  Connections connections_;
  // Null: no TLS.
  std::unique_ptr<TlsFiles> tls_;
  net::io_context context_;
  tcp::acceptor acceptor_;
  net::steady_timer accept_timer_;
  std::atomic<bool> is_stopping_ = false;
  std::string address_;
  std::vector<std::thread> threads_;
};

HttpServer::HttpServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const Options& options,
                                                              HttpHandler& handler) {
  auto impl = std::make_shared<Impl>(options, handler);
  QM_RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::~HttpServer() { impl_->Stop(absl::InfinitePast()); }

const std::string& HttpServer::address() const { return impl_->address(); }
int HttpServer::connection_count() const { return impl_->connection_count(); }
void HttpServer::Stop(absl::Time deadline) { impl_->Stop(deadline); }

}  // namespace quartermaster::gateway
