#include "gateway/edge/http_server_test.h"

#include <thread>

#include "absl/strings/match.h"

namespace quartermaster::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

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
