// What one client may take of the server, in bytes, time and connections.

#include "absl/strings/match.h"
#include "gateway/edge/http_server_test.h"

namespace quartermaster::gateway {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using HttpServerBoundsTest = HttpServerTest;

TEST_F(HttpServerBoundsTest, RefusesALargeHead) {
  Start();
  const std::string large(9000, 'a');
  for (const std::string& request :
       {absl::StrCat("GET / HTTP/1.1\r\nHost: x\r\nX: ", large, "\r\n\r\n"),
        absl::StrCat("GET /", large, " HTTP/1.1\r\nHost: x\r\n\r\n"), large}) {
    const std::string answer = Ask(request);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 431 "));
    EXPECT_THAT(answer, HasSubstr("HEAD_TOO_LARGE"));
  }
  EXPECT_THAT(handler_.Refused(),
              ElementsAre("HEAD_TOO_LARGE", "HEAD_TOO_LARGE", "HEAD_TOO_LARGE"));
}

TEST_F(HttpServerBoundsTest, RefusesALargeBodyAndSaysHowLargeItMayBe) {
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

TEST_F(HttpServerBoundsTest, BoundsEndlessChunkExtensions) {
  Start();
  const std::string answer =
      Ask(absl::StrCat("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;",
                       std::string(200'000, 'e')));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 "));
}

// A request with a body of so many bytes, all of them sent.
std::string Post(absl::string_view path, absl::string_view caller, size_t size) {
  return absl::StrCat("POST ", path,
                      " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Caller: ", caller,
                      "\r\nContent-Length: ", size, "\r\n\r\n", std::string(size, 'x'));
}

TEST_F(HttpServerBoundsTest, BoundsAllBodiesTogether) {
  options_.body_bytes_in_all_max = 4000;
  Start();
  RawClient first = Connect();
  first.Send("POST /hold HTTP/1.1\r\nHost: x\r\nX-Caller: ann\r\nContent-Length: 2000\r\n\r\n" +
             std::string(2000, 'x'));
  handler_.AwaitHeld();
  RawClient second = Connect();
  second.Send(Post("/hold", "bo", 1000));
  RawClient third = Connect();
  third.Send(Post("/hold", "cy", 700));
  handler_.AwaitHeld(3);

  const std::string refused = Ask(Post("/", "di", 500));
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(refused, HasSubstr("OVERLOADED"));
  EXPECT_THAT(handler_.Refused(), ElementsAre("OVERLOADED"));

  {
    base::MutexLock lock(&handler_.mutex);
    for (const auto& exchange : handler_.held) exchange->Respond({.body = "done"});
  }
  EXPECT_THAT(first.ReadUntil("done"), HasSubstr("done"));
  // On the same connection: it gives its bytes back, after its answer, before it reads on.
  first.Send(Post("/", "ann", 2000));
  EXPECT_THAT(first.ReadToEnd(), HasSubstr("[2000]"));
}

// Goal: who announces much and sends nothing takes no room from those who send.
// Method: many times the room is announced, by length and in chunks; a body that fits comes
// through.
TEST_F(HttpServerBoundsTest, CountsBodiesAsTheyCome) {
  options_.body_bytes_in_all_max = 4000;
  Start();
  std::vector<RawClient> clients;
  for (int i = 0; i < 10; ++i) {
    for (const absl::string_view body : {"Content-Length: 1000000", "Transfer-Encoding: chunked"}) {
      clients.push_back(Connect());
      clients.back().Send(
          absl::StrCat("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n", body, "\r\n\r\n"));
      // So its head has been looked at.
      EXPECT_THAT(clients.back().ReadUntil("\r\n\r\n"), HasSubstr("100 Continue"));
    }
  }
  EXPECT_THAT(Ask(Post("/", "", 2000)), HasSubstr("[2000]"));
}

// Goal: no caller takes the room of the others, however many connections they have.
TEST_F(HttpServerBoundsTest, LeavesRoomForOtherCallers) {
  options_.body_bytes_in_all_max = 4000;
  Start();
  RawClient first = Connect();
  first.Send(Post("/hold", "ann", 1900));
  handler_.AwaitHeld();

  EXPECT_THAT(Ask(Post("/", "ann", 200)), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(Ask(Post("/", "bo", 1000)), HasSubstr("[1000]"));
  EXPECT_THAT(Ask(Post("/", "bo", 1001)), StartsWith("HTTP/1.1 503 "));
  // Who has not said who they are is known by their address.
  EXPECT_THAT(Ask(Post("/", "", 1000)), HasSubstr("[1000]"));
  handler_.DropHeld();
}

TEST_F(HttpServerBoundsTest, KeepsRoomForAnswersFromRequests) {
  options_.body_bytes_in_all_max = 4000;
  Start();
  std::vector<RawClient> clients;
  for (const absl::string_view caller : {"ann", "bo", "cy", "di"}) {
    clients.push_back(Connect());
    clients.back().Send(Post("/hold", caller, 1000));
  }
  handler_.AwaitHeld(4);
  EXPECT_THAT(Ask(Post("/", "ed", 1)), StartsWith("HTTP/1.1 503 "));

  EXPECT_THAT(Ask("GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 200 "));
  handler_.DropHeld();
}

// Method: none of the body is sent; only a server that does not wait for it answers.
TEST_F(HttpServerBoundsTest, RefusesABodyThatNobodyReads) {
  Start();
  for (const absl::string_view method : {"GET", "HEAD"}) {
    for (const absl::string_view body : {"Content-Length: 4194304", "Transfer-Encoding: chunked"}) {
      RawClient client = Connect();
      client.Send(absl::StrCat(method, " / HTTP/1.1\r\nHost: x\r\n", body, "\r\n\r\n"));
      EXPECT_THAT(client.ReadUntil("\r\n\r\n"), StartsWith("HTTP/1.1 400 ")) << method << body;
    }
  }
  EXPECT_THAT(handler_.Refused(), Each("BODY_NOT_TAKEN"));
  EXPECT_THAT(Ask("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx"),
              HasSubstr("send fields as parameters"));
  EXPECT_THAT(Ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
              StartsWith("HTTP/1.1 200 "));
}

// Goal: who sends a head drop by drop does not keep the connection.
// Method: a byte each 50 ms, for ever; the head's time is 500 ms, and no byte may reset it.
TEST_F(HttpServerBoundsTest, EndsASlowHead) {
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

TEST_F(HttpServerBoundsTest, EndsASlowBodyAndAnIdleConnection) {
  options_.body_time_max = absl::Milliseconds(300);
  options_.idle_time_max = absl::Milliseconds(300);
  options_.first_request_time_max = 2 * kPatience;
  Start();
  RawClient slow = Connect();
  slow.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc");
  RawClient idle = Connect();
  idle.Send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");

  EXPECT_EQ(slow.ReadToEnd(), "");
  const std::string answer = idle.ReadToEnd();
  EXPECT_THAT(answer, HasSubstr("GET /a"));
  EXPECT_THAT(answer, Not(HasSubstr("<timeout>")));
}

TEST_F(HttpServerBoundsTest, EndsAConnectionThatNeverAsks) {
  options_.first_request_time_max = absl::Milliseconds(300);
  options_.idle_time_max = 2 * kPatience;
  Start();
  EXPECT_EQ(Connect().ReadToEnd(), "");
}

TEST_F(HttpServerBoundsTest, BoundsTheNumberOfConnections) {
  options_.connections_max = 2;
  Start();
  RawClient first = Connect();
  RawClient second = Connect();
  first.Send(Post("/hold", "", 1));
  second.Send(Post("/hold", "", 1));
  handler_.AwaitHeld(2);

  EXPECT_THAT(Connect().ReadToEnd(), StartsWith("HTTP/1.1 503 "));
  EXPECT_EQ(server_->connection_count(), 2);

  handler_.DropHeld();
  EXPECT_THAT(first.ReadToEnd(), StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(Ask(Post("/", "", 1)), HasSubstr("[1]"));
}

// Goal: connections that ask nothing do not shut the door.
// Method: all places are taken, by a request under way, by one that sent half a head, and by one
// that has been answered since; the newcomer gets the place of the second.
TEST_F(HttpServerBoundsTest, LetsANewcomerInForTheOneIdleLongest) {
  options_.connections_max = 3;
  options_.first_request_time_max = options_.head_time_max = 2 * kPatience;
  Start();
  RawClient busy = Connect();
  busy.Send(Post("/hold", "", 1));
  handler_.AwaitHeld();
  RawClient idle = Connect();
  idle.Send("GET / HTTP/1.1\r\nX: ");
  RawClient kept = Connect();
  kept.Send("GET /kept HTTP/1.1\r\nHost: x\r\n\r\n");
  kept.ReadUntil("/kept");

  RawClient newcomer = Connect();
  newcomer.Send("GET /new HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(newcomer.ReadUntil("/new"), StartsWith("HTTP/1.1 200 "));

  EXPECT_EQ(idle.ReadToEnd(), "");
  kept.Send("GET /again HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(kept.ReadUntil("/again"), StartsWith("HTTP/1.1 200 "));
  handler_.DropHeld();
  EXPECT_THAT(busy.ReadToEnd(), StartsWith("HTTP/1.1 500 "));
  EXPECT_EQ(handler_.Refused().size(), 0u);
}

// Goal: the door stays open however many connections one client opens and leaves.
TEST_F(HttpServerBoundsTest, AnswersBehindACrowdThatAsksNothing) {
  options_.connections_max = 8;
  Start();
  std::vector<RawClient> crowd;
  for (int i = 0; i < 100; ++i) crowd.push_back(Connect());
  EXPECT_THAT(Ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 200 "));
  EXPECT_LE(server_->connection_count(), 8);
}

// Goal: clients that ask for much and fetch nothing cannot fill the memory.
// Method: one answer that its client leaves where it is takes most of the room; the next is refused
// until that client is gone. Small answers always fit.
TEST_F(HttpServerBoundsTest, BoundsAnswersThatNobodyFetches) {
  options_.answer_bytes_in_all_max = static_cast<int64_t>(EchoHandler::kLargeAnswer) * 2;
  Start();
  const std::string request = "GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  RawClient lazy = Connect();
  lazy.Send(request);
  EXPECT_THAT(lazy.ReadUntil("\r\n\r\n"), StartsWith("HTTP/1.1 200 "));

  const std::string refused = Ask(request);
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(refused, HasSubstr("OVERLOADED"));
  EXPECT_THAT(Ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 200 "));

  lazy.Close();
  std::string answer;
  const absl::Time end = absl::Now() + kPatience;
  while (!absl::StartsWith(answer, "HTTP/1.1 200") && absl::Now() < end) answer = Ask(request);
  EXPECT_GT(answer.size(), EchoHandler::kLargeAnswer);
}

}  // namespace
}  // namespace quartermaster::gateway
