#include "gateway/edge/http_server.h"

#include <gmock/gmock.h>

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gateway/testing/raw_client.h"
#include "platform/base/mutex.h"

namespace quartermaster::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Answers with what it was asked; keeps requests to /hold.
class EchoHandler : public HttpHandler {
 public:
  std::optional<HttpResponse> Refuse(const HttpRequest& request) override {
    if (request.path == "/secret") return HttpResponse{.status = 401, .body = "who are you"};
    return std::nullopt;
  }

  void Handle(HttpRequest request, std::shared_ptr<HttpExchange> exchange) override {
    if (request.path == "/drop") return;
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

  void AwaitHeld() {
    const auto is_held = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { return !held.empty(); };
    base::MutexLock lock(&mutex);
    ASSERT_TRUE(has_held.AwaitWithTimeout(&mutex, kPatience, is_held));
  }

  base::Mutex mutex;
  base::CondVar has_held;
  std::vector<std::shared_ptr<HttpExchange>> held ABSL_GUARDED_BY(mutex);
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

TEST_F(HttpServerTest, AnswersRequestsOneAfterTheOther) {
  Start();
  RawClient client = Connect();

  client.Send("GET /a?b=c HTTP/1.1\r\nHost: x\r\nX-Note: hi\r\n\r\n");
  EXPECT_THAT(client.ReadUntil("hi"), HasSubstr("GET /a?b=c [0]  hi"));
  client.Send("POST /d HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_THAT(client.ReadUntil("hello"), HasSubstr("POST /d? [5] hello"));
  client.Send(
      "POST /e HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n"
      "\r\n");
  EXPECT_THAT(client.ReadUntil("abcde"), HasSubstr("POST /e? [5] abcde"));
}

TEST_F(HttpServerTest, AnswersRequestsThatWereSentTogetherInTheirOrder) {
  Start();
  const std::string answers = Ask(
      "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
      "okGET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

  EXPECT_LT(answers.find("GET /1"), answers.find("POST /2? [2] ok"));
  EXPECT_LT(answers.find("POST /2"), answers.find("GET /3"));
  EXPECT_THAT(answers, HasSubstr("GET /3"));
}

TEST_F(HttpServerTest, TakesARequestByteByByte) {
  Start();
  RawClient client = Connect();
  for (const char c : absl::string_view(
           "POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc")) {
    ASSERT_TRUE(client.Send(absl::string_view(&c, 1)));
  }
  EXPECT_THAT(client.ReadToEnd(), HasSubstr("POST /slow? [3] abc"));
}

TEST_F(HttpServerTest, TellsBrowsersToBeCareful) {
  Start();
  const std::string answer = Ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

  EXPECT_THAT(answer, HasSubstr("X-Content-Type-Options: nosniff\r\n"));
  EXPECT_THAT(answer, HasSubstr("X-Frame-Options: DENY\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Security-Policy: default-src 'none'"));
  EXPECT_THAT(answer, HasSubstr("Cache-Control: no-store\r\n"));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
}

TEST_F(HttpServerTest, AnswersHeadWithoutABody) {
  Start();
  const std::string answer = Ask("HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

  EXPECT_THAT(answer, HasSubstr("Content-Length: 14\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("HEAD /a")));
}

// Goal: a request hidden in another one's body is never run.
// Method: the classic attacks, each hiding GET /hidden; what is answered must be one error and the
// end of the connection.
TEST_F(HttpServerTest, RunsNoSmuggledRequest) {
  Start();
  const std::string hidden = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::vector<std::string> attacks = {
      // Length and encoding, in both orders.
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: "
      "chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: "
      "4\r\n\r\n0\r\n\r\n",
      // An encoding that one side does not recognize.
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\nContent-Length: "
      "5\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nX: a\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
      // Two lengths.
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 30\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0, 30\r\n\r\n",
      // Line ends.
      "POST / HTTP/1.1\nHost: x\n\n",
      "POST / HTTP/1.1\r\nHost: x\r\nX: a\nContent-Length: 30\r\n\r\n",
      // Chunks that are none.
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\naX0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n\r\n",
      "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  };
  for (const std::string& attack : attacks) {
    const std::string answer = Ask(attack + hidden);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 ")) << attack;
    EXPECT_THAT(answer, HasSubstr("MALFORMED_REQUEST")) << attack;
    EXPECT_THAT(answer, Not(HasSubstr("/hidden"))) << attack;
    EXPECT_THAT(answer, Not(HasSubstr("<timeout>"))) << attack;
  }
}

TEST_F(HttpServerTest, KeepsTrailersOutOfTheHeaders) {
  Start();
  const std::string answer =
      Ask("POST /t HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
          "0\r\nX-Note: injected\r\n\r\n");
  EXPECT_THAT(answer, Not(HasSubstr("injected")));
}

TEST_F(HttpServerTest, RefusesALargeHead) {
  Start();
  const std::string large(9000, 'a');
  for (const std::string& request :
       {absl::StrCat("GET / HTTP/1.1\r\nHost: x\r\nX: ", large, "\r\n\r\n"),
        absl::StrCat("GET /", large, " HTTP/1.1\r\nHost: x\r\n\r\n"), large}) {
    const std::string answer = Ask(request);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 431 "));
    EXPECT_THAT(answer, HasSubstr("HEAD_TOO_LARGE"));
  }
}

TEST_F(HttpServerTest, RefusesALargeBodyAndSaysHowLargeItMayBe) {
  options_.body_bytes_max = 1000;
  Start();

  const std::string by_length = Ask(absl::StrCat(
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n", std::string(100'000, 'x')));
  EXPECT_THAT(by_length, StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(by_length, HasSubstr("BODY_TOO_LARGE"));
  EXPECT_THAT(by_length, HasSubstr("1000 bytes"));

  std::string chunks = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 100; ++i) absl::StrAppend(&chunks, "64\r\n", std::string(100, 'x'), "\r\n");
  EXPECT_THAT(Ask(chunks + "0\r\n\r\n"), StartsWith("HTTP/1.1 413 "));

  EXPECT_THAT(Ask(absl::StrCat("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                               "Content-Length: 1000\r\n\r\n",
                               std::string(1000, 'x'))),
              HasSubstr("[1000]"));
}

TEST_F(HttpServerTest, BoundsEndlessChunkExtensions) {
  Start();
  const std::string answer =
      Ask(absl::StrCat("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;",
                       std::string(200'000, 'e')));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 "));
}

TEST_F(HttpServerTest, BoundsAllBodiesTogether) {
  options_.body_bytes_in_all_max = 1500;
  Start();
  RawClient first = Connect();
  first.Send("POST /hold HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" +
             std::string(1000, 'x'));
  handler_.AwaitHeld();
  const std::string request =
      "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
      "Content-Length: 1000\r\n\r\n" +
      std::string(1000, 'x');

  const std::string refused = Ask(request);
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(refused, HasSubstr("OVERLOADED"));

  {
    base::MutexLock lock(&handler_.mutex);
    handler_.held[0]->Respond({.body = "done"});
  }
  EXPECT_THAT(first.ReadUntil("done"), HasSubstr("done"));
  // On the same connection: it gives its bytes back, after its answer, before it reads on.
  first.Send(request);
  EXPECT_THAT(first.ReadToEnd(), HasSubstr("[1000]"));
}

// Goal: who sends a head drop by drop does not keep the connection.
// Method: a byte each 50 ms, for ever; the head's time is 500 ms, and no byte may reset it.
TEST_F(HttpServerTest, EndsASlowHead) {
  options_.head_time_max = absl::Milliseconds(500);
  Start();
  RawClient client = Connect();
  const absl::Time start = absl::Now();

  client.Send("GET / HTTP/1.1\r\nX: ");
  while (client.Send("a") && absl::Now() < start + kPatience) {
    absl::SleepFor(absl::Milliseconds(50));
  }

  EXPECT_LT(absl::Now() - start, absl::Seconds(5));
}

TEST_F(HttpServerTest, EndsASlowBodyAndAnIdleConnection) {
  options_.body_time_max = absl::Milliseconds(300);
  options_.idle_time_max = absl::Milliseconds(300);
  Start();
  RawClient slow = Connect();
  slow.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc");
  RawClient idle = Connect();

  EXPECT_EQ(slow.ReadToEnd(), "");
  EXPECT_EQ(idle.ReadToEnd(), "");
}

TEST_F(HttpServerTest, BoundsTheNumberOfConnections) {
  options_.connections_max = 2;
  Start();
  RawClient first = Connect();
  RawClient second = Connect();
  first.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  second.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  first.ReadUntil("GET /");
  second.ReadUntil("GET /");

  EXPECT_THAT(Connect().ReadToEnd(), StartsWith("HTTP/1.1 503 "));

  first.Close();
  std::string answer;
  const absl::Time end = absl::Now() + kPatience;
  while (!absl::StartsWith(answer, "HTTP/1.1 200") && absl::Now() < end) {
    answer = Ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  }
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, RefusesBeforeItReadsTheBody) {
  Start();
  const std::string answer =
      Ask("POST /secret HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nExpect: "
          "100-continue\r\n\r\n");

  EXPECT_THAT(answer, StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(answer, Not(HasSubstr("100 Continue")));
}

TEST_F(HttpServerTest, AsksForABodyThatWaitsToBeAskedFor) {
  Start();
  RawClient client = Connect();
  client.Send("POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send("abc");
  EXPECT_THAT(client.ReadUntil("abc"), HasSubstr("[3] abc"));
  EXPECT_THAT(Ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: money\r\n\r\n"),
              StartsWith("HTTP/1.1 417 "));
}

TEST_F(HttpServerTest, TellsTheHandlerThatTheClientIsGone) {
  Start();
  {
    RawClient client = Connect();
    client.Send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    handler_.AwaitHeld();
  }
  EXPECT_TRUE(handler_.gone.WaitForNotificationWithTimeout(kPatience));
  // An answer that came after the server had gone would be kept for ever.
  handler_.DropHeld();
}

// Goal: a client that is there is never taken for gone.
// Method: requests in one packet and in two, answered from another thread, on connections that stay
// open: whatever wakes the watch for the client's leaving, besides its leaving, happens here within
// some hundred requests.
TEST_F(HttpServerTest, TakesNobodyForGoneWhoIsThere) {
  Start();
  std::atomic<bool> stop = false;
  std::thread answerer([&] { handler_.AnswerHeld(stop); });
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([this] {
      RawClient client = Connect();
      for (int request = 0; request < 500 && !HasFailure(); ++request) {
        const std::string head = "POST /hold HTTP/1.1\r\nHost: x\r\nContent-Length: 300\r\n\r\n";
        const std::string body(300, 'x');
        if (request % 2 == 0) {
          client.Send(head + body);
        } else {
          client.Send(head);
          client.Send(body);
        }
        EXPECT_THAT(client.ReadUntil("later"), HasSubstr("later")) << "request " << request;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  stop = true;
  answerer.join();
}

TEST_F(HttpServerTest, AnswersWhatTheHandlerDrops) {
  Start();
  const std::string answer = Ask("GET /drop HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(answer, HasSubstr("internal error"));
}

TEST_F(HttpServerTest, LetsARequestUnderWayEndWhenItStops) {
  Start();
  RawClient idle = Connect();
  RawClient busy = Connect();
  busy.Send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  handler_.AwaitHeld();

  std::thread stop([this] { server_->Stop(absl::Now() + kPatience); });
  EXPECT_EQ(idle.ReadToEnd(), "");
  {
    base::MutexLock lock(&handler_.mutex);
    handler_.held[0]->Respond({.body = "done"});
  }
  const std::string answer = busy.ReadToEnd();
  busy.Close();
  stop.join();

  EXPECT_THAT(answer, HasSubstr("done"));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
  EXPECT_EQ(server_->connection_count(), 0);
}

TEST_F(HttpServerTest, CutsWhatDoesNotEndWhenItStops) {
  Start();
  RawClient busy = Connect();
  busy.Send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  handler_.AwaitHeld();

  server_->Stop(absl::Now() + absl::Milliseconds(100));

  EXPECT_EQ(busy.ReadToEnd(), "");
  EXPECT_TRUE(handler_.gone.HasBeenNotified());
  // An answer that comes too late finds nobody and does no harm.
  base::MutexLock lock(&handler_.mutex);
  handler_.held[0]->Respond({.body = "late"});
}

TEST_F(HttpServerTest, NamesTheAddressThatIsTaken) {
  Start();
  options_.address = server_->address();
  const absl::Status refused = HttpServer::Start(options_, handler_).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr(server_->address()));
  options_.address = "somewhere";
  EXPECT_EQ(HttpServer::Start(options_, handler_).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace quartermaster::gateway
