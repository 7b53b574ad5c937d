#include "tests/load/json_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "quartermaster/inventory/v1/ledger.pb.h"
#include "tests/load/listener.h"

namespace quartermaster::load {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::string AnAnswer(absl::string_view status, absl::string_view body) {
  return absl::StrCat("HTTP/1.1 ", status, "\r\nContent-Length: ", body.size(), "\r\n\r\n", body);
}

class JsonConnectionTest : public ::testing::Test {
 protected:
  JsonConnectionTest() {
    auto opened = JsonConnection::Open(
        {.address = listener_.address()},
        {.path = "/v1/movements:post", .metadata = {{"authorization", "Bearer x"}}},
        absl::Now() + absl::Seconds(10));
    QM_CHECK(opened.ok());
    connection_ = *std::move(opened);
    server_ = listener_.Accept();
  }

  // Begins call 7; returns what the server gets.
  std::string Ask() {
    inventory::v1::PostMovementRequest request;
    request.set_note("口罩 \"N95\"");
    connection_->Start(7, request);
    EXPECT_TRUE(connection_->Write().ok());
    char bytes[4096];
    const ssize_t count = ::recv(server_.get(), bytes, sizeof(bytes), 0);
    return std::string(bytes, count > 0 ? static_cast<size_t>(count) : 0);
  }

  // Takes `bytes` in, which come from the server.
  absl::Status Take(const std::string& bytes) {
    QM_CHECK(::send(server_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
             static_cast<ssize_t>(bytes.size()));
    pollfd entry = {.fd = connection_->fd(), .events = POLLIN, .revents = 0};
    QM_CHECK(::poll(&entry, 1, 10'000) == 1);
    return connection_->Read(answers_);
  }

  const Listener listener_;
  std::unique_ptr<Connection> connection_;
  testing::Descriptor server_;
  std::vector<Connection::Answer> answers_;
};

TEST_F(JsonConnectionTest, AsksWithHeadersAndTheRequestAsJson) {
  const std::string asked = Ask();

  const std::string body = asked.substr(asked.find("\r\n\r\n") + 4);
  EXPECT_THAT(asked, AllOf(StartsWith("POST /v1/movements:post HTTP/1.1\r\nHost: 127.0.0.1:"),
                           HasSubstr("\r\nauthorization: Bearer x\r\n"),
                           HasSubstr(absl::StrCat("Content-Length: ", body.size(), "\r\n\r\n{"))));
  EXPECT_THAT(body, AllOf(HasSubstr("\"note\":\"口罩 \\\"N95\\\"\""), EndsWith("}")));
}

TEST_F(JsonConnectionTest, AnAnswerMayComeInPieces) {
  Ask();
  for (const char* piece : {"HTTP/1.1 200 OK\r\ncontent-le", "ngth: 4\r\n\r", "\n{", "} "}) {
    EXPECT_TRUE(Take(piece).ok());
    EXPECT_THAT(answers_, IsEmpty()) << piece;
  }
  EXPECT_TRUE(Take("\n").ok());

  ASSERT_THAT(answers_, SizeIs(1));
  EXPECT_EQ(answers_[0].call, 7);
  EXPECT_TRUE(answers_[0].status.ok());
}

TEST_F(JsonConnectionTest, AnythingBut200IsAnErrorWithItsMessage) {
  Ask();
  EXPECT_TRUE(Take(AnAnswer("404 Not Found", "{\"code\":5,\"message\":\"no lot\"}")).ok());
  Ask();
  EXPECT_TRUE(Take(AnAnswer("502 Bad Gateway", ":-(")).ok());

  ASSERT_THAT(answers_, SizeIs(2));
  EXPECT_EQ(answers_[0].status.message(), "no lot");
  EXPECT_EQ(answers_[1].status.message(), "HTTP status 502: :-(");
}

TEST_F(JsonConnectionTest, WhatCannotBeMeasuredEndsTheConnection) {
  Ask();
  EXPECT_THAT(std::string(Take("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").message()),
              HasSubstr("not an answer of known length"));
  EXPECT_THAT(answers_, IsEmpty());
}

TEST_F(JsonConnectionTest, AnAnswerThatNobodyAskedForEndsTheConnection) {
  EXPECT_FALSE(Take(AnAnswer("200 OK", "{}")).ok());
  EXPECT_THAT(answers_, IsEmpty());
}

TEST_F(JsonConnectionTest, TwoAnswersToOneCallEndTheConnection) {
  const std::string answer = AnAnswer("200 OK", "{}");
  Ask();
  EXPECT_FALSE(Take(answer + answer).ok());
}

}  // namespace
}  // namespace quartermaster::load
