#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/edge/http_message.h"

namespace quartermaster::gateway {

// Serves HTTP/1.1, with keep-alive, over plain TCP or TLS.
//
// It never blocks: a few threads carry all connections. Everything has a bound: connections, the
// head, the body, all bodies together, the time to send each, the time to take the answer. A new
// connection too many takes the place of the one that has been idle longest; a caller who holds a
// quarter of the room for bodies gets no more while half of it is taken. What a
// client does wrong is answered in JSON where an answer can still be read, and the connection is
// closed, so that what follows a request that we did not understand is never taken for another one.
//
// Thread-safe. The handler must outlive it.
class HttpServer {
 public:
  struct Options {
    // `host:port` with a numeric host; port 0 takes a free one.
    std::string address = "127.0.0.1:8080";
    // PEM files, read again when they change; both empty means no TLS.
    std::string certificate_file;
    std::string key_file;
    absl::Duration tls_refresh_interval = absl::Seconds(10);
    // Told once per version of those files that cannot be used. May be empty.
    std::function<void(const absl::Status&)> on_tls_problem = nullptr;
    int thread_count = 2;
    int connections_max = 1024;
    int64_t head_bytes_max = 8 * 1024;
    int64_t body_bytes_max = 4 * 1024 * 1024;
    // Of all requests being read or handled, together, as far as they have come.
    int64_t body_bytes_in_all_max = 64 * 1024 * 1024;
    // Of all answers being fetched, together.
    int64_t answer_bytes_in_all_max = 64 * 1024 * 1024;
    // From the first byte to the last of a head.
    absl::Duration head_time_max = absl::Seconds(10);
    absl::Duration body_time_max = absl::Seconds(30);
    absl::Duration write_time_max = absl::Seconds(30);
    // Before the first request of a connection.
    absl::Duration first_request_time_max = absl::Seconds(10);
    // Between an answer and the next request.
    absl::Duration idle_time_max = absl::Seconds(60);
  };

  // Starts to take connections. Fails with INVALID_ARGUMENT or FAILED_PRECONDITION, saying what is
  // the matter, if the address or the certificate cannot be used.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const Options& options,
                                                           HttpHandler& handler);
  // Stops at once if `Stop` was not called.
  ~HttpServer();

  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // `host:port`, with the port that it got.
  const std::string& address() const;
  // Connections that are open now.
  int connection_count() const;

  // Takes no more connections, closes those that are idle, lets requests under way be answered
  // until `deadline`, and cuts the rest. Returns when all is closed. May be called once.
  void Stop(absl::Time deadline);

 private:
  class Impl;
  explicit HttpServer(std::shared_ptr<Impl> impl);

  std::shared_ptr<Impl> impl_;
};

}  // namespace quartermaster::gateway
