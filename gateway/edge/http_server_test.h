#pragma once

#include <gmock/gmock.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gateway/edge/http_server.h"
#include "gateway/testing/raw_client.h"
#include "platform/base/mutex.h"
#include "platform/status/error.h"

// The HTTP server before a handler that tests can hold up, on real sockets.
namespace quartermaster::gateway {

// Answers with what it was asked; keeps requests to /hold, and has much to say at /large.
class EchoHandler : public HttpHandler {
 public:
  // More than the system buffers of one connection.
  static constexpr size_t kLargeAnswer = 24 << 20;

  // Believes that everybody is who they say in `x-caller`.
  std::optional<HttpResponse> Refuse(HttpRequest& request) override {
    request.caller = std::string(request.Header("x-caller"));
    if (request.path == "/secret") return HttpResponse{.status = 401, .body = "who are you"};
    return std::nullopt;
  }

  void Handle(HttpRequest request, std::shared_ptr<HttpExchange> exchange) override {
    if (request.path == "/drop") return;
    if (request.path == "/large") {
      return exchange->Respond({.body = std::string(kLargeAnswer, 'x')});
    }
    if (request.path == "/hold") {
      exchange->OnGone([this] {
        if (!was_gone.exchange(true)) gone.Notify();
      });
      base::MutexLock lock(&mutex);
      held.push_back(std::move(exchange));
      has_held.SignalAll();
      return;
    }
    exchange->Respond(
        {.headers = {{"Content-Type", "text/plain"}},
         .body = absl::StrCat(request.method, " ", request.path, "?", request.query, " [",
                              request.body.size(), "] ", request.body.substr(0, 40), " ",
                              request.Header("x-note"))});
  }

  void OnRefused(const absl::Status& why) override {
    base::MutexLock lock(&mutex);
    refused.push_back(status::GetReason(why));
  }

  std::vector<std::string> Refused() {
    base::MutexLock lock(&mutex);
    return refused;
  }

  // Answers what is held, from another thread, until it is told to stop.
  void AnswerHeld(const std::atomic<bool>& stop) {
    while (!stop) {
      std::vector<std::shared_ptr<HttpExchange>> taken;
      {
        base::MutexLock lock(&mutex);
        has_held.WaitWithTimeout(&mutex, absl::Milliseconds(1));
        taken.swap(held);
      }
      for (const auto& exchange : taken) exchange->Respond({.body = "later"});
    }
  }

  void DropHeld() {
    // Declared before the lock, so let go after it.
    std::vector<std::shared_ptr<HttpExchange>> taken;
    base::MutexLock lock(&mutex);
    taken.swap(held);
  }

  void AwaitHeld(size_t count = 1) {
    const auto is_held = [this, count]()
                             ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { return held.size() >= count; };
    base::MutexLock lock(&mutex);
    ASSERT_TRUE(has_held.AwaitWithTimeout(&mutex, kPatience, is_held));
  }

  base::Mutex mutex;
  base::CondVar has_held;
  std::vector<std::shared_ptr<HttpExchange>> held ABSL_GUARDED_BY(mutex);
  std::vector<std::string> refused ABSL_GUARDED_BY(mutex);
  std::atomic<bool> was_gone = false;
  base::Notification gone;
};

class HttpServerTest : public ::testing::Test {
 protected:
  HttpServerTest() { options_.address = "127.0.0.1:0"; }

  void Start() {
    absl::StatusOr<std::unique_ptr<HttpServer>> server = HttpServer::Start(options_, handler_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  RawClient Connect() { return RawClient(server_->address()); }

  // Sends one request on a connection of its own and returns all that comes back.
  std::string Ask(absl::string_view bytes) {
    RawClient client = Connect();
    client.Send(bytes);
    return client.ReadToEnd();
  }

  EchoHandler handler_;
  HttpServer::Options options_;
  std::unique_ptr<HttpServer> server_;
};

}  // namespace quartermaster::gateway
