// What one client may take of the server, in bytes, time and connections.

#include "absl/strings/match.h"
#include "gateway/edge/http_server_test.h"

namespace quartermaster::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
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

TEST_F(HttpServerBoundsTest, BoundsAllBodiesTogether) {
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
  EXPECT_THAT(handler_.Refused(), ElementsAre("OVERLOADED"));

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
  Start();
  RawClient slow = Connect();
  slow.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc");
  RawClient idle = Connect();

  EXPECT_EQ(slow.ReadToEnd(), "");
  EXPECT_EQ(idle.ReadToEnd(), "");
}

TEST_F(HttpServerBoundsTest, BoundsTheNumberOfConnections) {
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

// Goal: clients that ask for much and fetch nothing cannot fill the memory.
// Method: one answer that its client leaves where it is takes most of the room; the next is refused
// until that client is gone. Small answers always fit.
TEST_F(HttpServerBoundsTest, BoundsAnswersThatNobodyFetches) {
  options_.body_bytes_in_all_max = static_cast<int64_t>(EchoHandler::kLargeAnswer) * 3 / 2;
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
