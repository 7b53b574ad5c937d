#include "gateway/edge/request_head.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "platform/status/error.h"

namespace quartermaster::gateway {
namespace {

using ::testing::HasSubstr;

TEST(CheckRequestHeadTest, LetsSoundRequestsPass) {
  for (const absl::string_view head :
       {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /v1/units?page_size=1 HTTP/1.0\r\n\r\n",
        "POST /v1/units HTTP/1.1\r\nhost:a\r\nContent-Length: 12\r\n\r\n",
        "POST /v1/units HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:  Chunked \r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nAccept: x\r\nAccept: y\r\nX-Note: \xe7\xb2\xae\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX-Empty:\r\n\r\n"}) {
    EXPECT_TRUE(CheckRequestHead(head).ok()) << head << CheckRequestHead(head);
  }
}

TEST(CheckRequestHeadTest, RefusesWhatCouldBeReadInTwoWays) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
       "together"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
       "together"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", "twice"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", "digits"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", "digits"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n", "digits"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", "digits"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", "digits"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "chunked"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", "chunked"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", "chunked"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
       "twice"},
      {"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n", "a header must be"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding\x0b: chunked\r\n\r\n", "a header must be"},
      {"POST / HTTP/1.1\r\nHost: a\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n",
       "a header must be"},
      {"POST / HTTP/1.1\r\nHost: a\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n", "control"},
      {"POST / HTTP/1.1\r\nHost: a\r\nX: y\rZ: w\r\n\r\n", "control"},
      {std::string("GET / HTTP/1.1\r\nHost: a\r\nX: y\0z\r\n\r\n", 35), "control"},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "twice"},
      {"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: x\r\nauthorization: y\r\n\r\n", "twice"},
      {"GET / HTTP/1.1\r\nHost: a\r\nContent-Type: x\r\nContent-Type: x\r\n\r\n", "twice"},
      {"GET / HTTP/1.1\r\n\r\n", "Host"},
      {"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "target"},
      {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "target"},
      {"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", "target"},
      {"GET /\xe7\xb2\xae HTTP/1.1\r\nHost: a\r\n\r\n", "target"},
      {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "three parts"},
      {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "three parts"},
      {"GET /\tHTTP/1.1\r\nHost: a\r\n\r\n", "three parts"},
      {"GET /\r\nHost: a\r\n\r\n", "three parts"},
      {"get / HTTP/1.1\r\nHost: a\r\n\r\n", "upper case"},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "version"},
      {"GET / http/1.1\r\nHost: a\r\n\r\n", "version"},
      {"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "three parts"},
      {"GET / HTTP/1.1\r\n: a\r\n\r\n", "a header must be"},
      {"GET / HTTP/1.1\r\nHost\r\n\r\n", "a header must be"},
      {"GET / HTTP/1.1\r\nHost: a\r\n", "no end"},
      {"", "no end"},
  };
  for (const auto& [head, why] : cases) {
    const absl::Status refusal = CheckRequestHead(head);
    EXPECT_EQ(status::GetReason(refusal), "MALFORMED_REQUEST") << head;
    EXPECT_THAT(std::string(refusal.message()), HasSubstr(why)) << head;
  }
}

TEST(CheckRequestHeadTest, BoundsTheNumberOfHeaders) {
  std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 99; ++i) head += "A: b\r\n";
  EXPECT_TRUE(CheckRequestHead(head + "\r\n").ok());
  EXPECT_FALSE(CheckRequestHead(head + "A: b\r\n\r\n").ok());
}

}  // namespace
}  // namespace quartermaster::gateway
