#include <google/protobuf/util/json_util.h>

#include <atomic>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <mutex>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "tests/load/callers.h"

namespace quartermaster::load {
namespace {

namespace http = boost::beast::http;
using boost::asio::ip::tcp;

// What all callers of one run share.
struct Run {
  const std::string& address;
  const MakeRequest& make_request;
  const RunOptions& options;
  absl::Time count_from;
  absl::Time end;
  std::atomic<int64_t> next_number = 0;
  std::mutex mutex;
  std::vector<double> latencies_ms;
  int64_t error_count = 0;
  std::string first_error;
};

void CallUntilTheEnd(Run& run) {
  const std::vector<std::string> parts = absl::StrSplit(run.address, ':');
  boost::asio::io_context io;
  tcp::socket socket(io);
  tcp::resolver resolver(io);
  boost::beast::flat_buffer buffer;
  std::vector<double> latencies_ms;
  for (absl::Time started = absl::Now(); started < run.end; started = absl::Now()) {
    http::request<http::string_body> request(http::verb::post, "/v1/movements:post", 11);
    request.set(http::field::host, run.address);
    request.set(http::field::content_type, "application/json");
    for (const auto& [key, value] : run.options.metadata) request.set(key, value);
    if (!socket.is_open()) {
      boost::asio::connect(socket, resolver.resolve(parts[0], parts[1]));
      socket.set_option(tcp::no_delay(true));
    }
    google::protobuf::util::MessageToJsonString(run.make_request(run.next_number++),
                                                &request.body());
    request.prepare_payload();
    http::write(socket, request);
    http::response<http::string_body> response;
    http::read(socket, buffer, response);
    // An answer may end the connection, and says so.
    if (!response.keep_alive()) socket.close();
    if (response.result() != http::status::ok) {
      std::lock_guard lock(run.mutex);
      ++run.error_count;
      if (run.first_error.empty()) run.first_error = response.body();
    } else if (started >= run.count_from) {
      latencies_ms.push_back(absl::ToDoubleMilliseconds(absl::Now() - started));
    }
  }
  std::lock_guard lock(run.mutex);
  run.latencies_ms.insert(run.latencies_ms.end(), latencies_ms.begin(), latencies_ms.end());
}

}  // namespace

RunResult RunJsonPostings(const std::string& address, const MakeRequest& make_request,
                          const RunOptions& options) {
  const absl::Time start = absl::Now();
  Run run{.address = address,
          .make_request = make_request,
          .options = options,
          .count_from = start + options.warm_up,
          .end = start + options.warm_up + options.duration};
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < options.caller_count; ++i) {
      callers.emplace_back([&run] {
        try {
          CallUntilTheEnd(run);
        } catch (const std::exception& error) {
          std::lock_guard lock(run.mutex);
          ++run.error_count;
          if (run.first_error.empty()) run.first_error = error.what();
        }
      });
    }
  }
  return Summarize(std::move(run.latencies_ms), run.error_count, run.first_error, options.duration);
}

}  // namespace quartermaster::load
