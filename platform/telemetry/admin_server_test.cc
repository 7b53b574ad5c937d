#include "platform/telemetry/admin_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/check.h"

namespace quartermaster::telemetry {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// One TCP connection to the server.
class Connection {
 public:
  explicit Connection(const std::string& address) {
    sockaddr_in peer = {};
    peer.sin_family = AF_INET;
    peer.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    QM_CHECK(connect(socket_, reinterpret_cast<sockaddr*>(&peer), sizeof(peer)) == 0);
  }
  ~Connection() { close(socket_); }

  void Send(const std::string& bytes) {
    (void)send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  std::string ReadAll() {
    std::string all;
    char buffer[4096];
    for (ssize_t size; (size = recv(socket_, buffer, sizeof(buffer), 0)) > 0;) {
      all.append(buffer, static_cast<size_t>(size));
    }
    return all;
  }

 private:
  const int socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

class AdminServerTest : public ::testing::Test {
 protected:
  AdminServerTest() {
    readiness_.AddCheck("database", [this] {
      return has_database_ ? absl::OkStatus() : absl::UnavailableError("it is away");
    });
    readiness_.AddCheck("clock", [] { return absl::OkStatus(); });
    absl::StatusOr<std::unique_ptr<AdminServer>> server =
        AdminServer::Start({.connection_time_max = absl::Milliseconds(500)}, metrics_, readiness_);
    QM_CHECK(server.ok());
    server_ = *std::move(server);
  }

  std::string Ask(const std::string& request) {
    Connection connection(server_->address());
    connection.Send(request);
    return connection.ReadAll();
  }
  std::string Get(const std::string& path) {
    return Ask(absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: x\r\n\r\n"));
  }

  std::atomic<bool> has_database_ = true;
  Metrics metrics_{"depot"};
  Readiness readiness_;
  std::unique_ptr<AdminServer> server_;
};

TEST_F(AdminServerTest, TellsThatItLives) {
  EXPECT_THAT(Get("/livez"), AllOf(StartsWith("HTTP/1.1 200 "), EndsWith("\r\n\r\nlive\n")));
}

TEST_F(AdminServerTest, TellsWhichCheckFailed) {
  EXPECT_THAT(Get("/readyz"), StartsWith("HTTP/1.1 200 "));

  has_database_ = false;
  EXPECT_THAT(Get("/readyz"),
              AllOf(StartsWith("HTTP/1.1 503 "), EndsWith("not ready\ndatabase: it is away\n")));
  EXPECT_THAT(Get("/livez"), StartsWith("HTTP/1.1 200 "));

  has_database_ = true;
  readiness_.Drain();
  EXPECT_THAT(Get("/readyz"), AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("shutting down")));
}

TEST_F(AdminServerTest, ShowsTheMetrics) {
  metrics_.AddCounter("calls_total", "Calls.").Only().Increment();

  EXPECT_THAT(Get("/metrics"), AllOf(StartsWith("HTTP/1.1 200 "),
                                     HasSubstr("Content-Type: text/plain; version=0.0.4"),
                                     HasSubstr("qm_depot_calls_total 1\n")));
}

TEST_F(AdminServerTest, AnswersNothingElse) {
  EXPECT_THAT(Get("/"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(Get("/metrics/.."), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(Ask("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"),
              StartsWith("HTTP/1.1 405 "));
}

// Goal: nothing that a stranger sends keeps the next question from being answered.
TEST_F(AdminServerTest, SurvivesStrangers) {
  EXPECT_EQ(Ask(absl::StrCat("GET /", std::string(100'000, 'x'), " HTTP/1.1\r\n\r\n")), "");
  EXPECT_EQ(Ask("\x16\x03\x01 this is no HTTP\r\n\r\n"), "");
  EXPECT_EQ(Ask("POST /livez HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"), "");
  // One after the other they would take seven seconds.
  const absl::Time start = absl::Now();
  std::vector<std::unique_ptr<Connection>> silent;
  for (int i = 0; i < 15; ++i) {
    silent.push_back(std::make_unique<Connection>(server_->address()));
  }
  EXPECT_THAT(Get("/livez"), StartsWith("HTTP/1.1 200 ")) << "while fifteen say nothing";
  EXPECT_LT(absl::Now() - start, absl::Seconds(5));
  for (int i = 0; i < 20; ++i) {
    silent.push_back(std::make_unique<Connection>(server_->address()));
  }
  EXPECT_THAT(Get("/livez"), StartsWith("HTTP/1.1 200 ")) << "after those were closed";
}

TEST_F(AdminServerTest, SaysThatTheAddressIsInUse) {
  const absl::Status status =
      AdminServer::Start({.address = server_->address()}, metrics_, readiness_).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr(server_->address()), HasSubstr("in use")));
  EXPECT_EQ(AdminServer::Start({.address = "nonsense"}, metrics_, readiness_).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(AdminServerTest, EndsWhileSomebodyIsConnected) {
  Connection silent(server_->address());
  server_.reset();
  EXPECT_EQ(silent.ReadAll(), "");
}

}  // namespace
}  // namespace quartermaster::telemetry
