#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "gateway/edge/budget.h"
#include "gateway/edge/connections.h"
#include "gateway/edge/http_message.h"
#include "gateway/edge/http_server.h"

namespace quartermaster::gateway {

// One connection: reads a request, has it answered, reads the next. It keeps itself alive as long
// as it has something to wait for.
class Session {
 public:
  virtual ~Session() = default;
  virtual void Run() = 0;
  // Closes now if no request is under way. Others close by themselves once `is_stopping` is set.
  // Thread-safe.
  virtual void CloseIfIdle() = 0;
  // Closes now. Thread-safe.
  virtual void Abort() = 0;
};

// What all connections share.
struct SessionParts {
  const HttpServer::Options& options;
  HttpHandler& handler;
  Connections& connections;
  // Of requests until they are answered.
  Budget& body_bytes;
  // Of answers until they are fetched.
  Budget& answer_bytes;
  // From then on no connection takes another request.
  const std::atomic<bool>& is_stopping;
  // Keeps all of that alive.
  std::shared_ptr<const void> owner;
};

// It is removed from the connections when it is closed. `tls` may be null, for none.
std::shared_ptr<Session> MakeSession(boost::asio::ip::tcp::socket socket,
                                     const std::shared_ptr<boost::asio::ssl::context>& tls,
                                     const SessionParts& parts);

}  // namespace quartermaster::gateway
