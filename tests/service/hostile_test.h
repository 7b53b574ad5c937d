#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "platform/base/check.h"
#include "tests/service/ledger_test.h"

namespace quartermaster::testing {

// One HTTP/2 connection in the clear made of raw bytes, for what no client library would send.
class RawConnection {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  explicit RawConnection(const std::string& address) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(address, ':');
    sockaddr_in peer = {};
    peer.sin_family = AF_INET;
    peer.sin_port = htons(static_cast<uint16_t>(std::stoi(parts.second)));
    peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    QM_CHECK(connect(socket_, reinterpret_cast<sockaddr*>(&peer), sizeof(peer)) == 0);
    const timeval patience = {.tv_sec = 20, .tv_usec = 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  }
  ~RawConnection() { close(socket_); }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  // Begins a call of a method (`package.Service/Method`) with more headers, each of whose names and
  // values is shorter than 127 bytes.
  void Call(const std::string& method, const Headers& more) {
    Headers all = {{":method", "POST"},
                   {":scheme", "http"},
                   {":path", "/" + method},
                   {":authority", "localhost"},
                   {"content-type", "application/grpc"},
                   {"te", "trailers"}};
    all.insert(all.end(), more.begin(), more.end());
    std::string headers;
    for (const auto& [key, text] : all) {
      // A literal that is not to be indexed, its name and value as plain bytes.
      absl::StrAppend(&headers, std::string(1, '\0'), std::string(1, static_cast<char>(key.size())),
                      key, std::string(1, static_cast<char>(text.size())), text);
    }
    constexpr char kSettings = 4;
    constexpr char kHeaders = 1;
    constexpr char kEndOfHeaders = 4;
    Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Frame(kSettings, 0, 0, "") +
         Frame(kHeaders, kEndOfHeaders, 1, headers));
  }

  // Waits until the server closes the connection.
  bool IsClosedByServer() {
    char buffer[4096];
    ssize_t size;
    do {
      size = recv(socket_, buffer, sizeof(buffer), 0);
    } while (size > 0);
    return size == 0 || errno == ECONNRESET;
  }

 private:
  static std::string Frame(char type, char flags, char stream, const std::string& payload) {
    const char header[] = {0,
                           static_cast<char>(payload.size() >> 8),
                           static_cast<char>(payload.size()),
                           type,
                           flags,
                           0,
                           0,
                           0,
                           stream};
    return std::string(header, sizeof(header)) + payload;
  }
  void Send(const std::string& bytes) {
    QM_CHECK(send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
             static_cast<ssize_t>(bytes.size()));
  }

  const int socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

// Tests that send what nobody should: after each, the tables hold what they held when the world was
// made.
class HostileTest : public LedgerTest {
 protected:
  HostileTest() : before_(RowCounts()) {}

  void TearDown() override {
    EXPECT_EQ(RowCounts(), before_) << "something was written";
    // Who behaves is served.
    EXPECT_EQ(Outcome(Post(AReceipt(1))), "OK");
    LedgerTest::TearDown();
  }

  // Counts the rows of every table but the accounts', which are made at zero and may stay so.
  std::map<std::string, int64_t> RowCounts() {
    auto lease = database_.pool().Acquire(absl::Now() + absl::Seconds(10));
    QM_CHECK(lease.ok());
    const auto tables = (*lease)->Query(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()");
    QM_CHECK(tables.ok());
    std::map<std::string, int64_t> counts;
    for (const mysql::Row row : *tables) {
      const std::string& table = row.String(0);
      const auto count = (*lease)->Query(absl::StrCat(
          "SELECT COUNT(*) FROM ", table, table == "balances" ? " WHERE quantity <> 0" : ""));
      QM_CHECK(count.ok());
      counts[table] = (*count)[0].Int64(0);
    }
    return counts;
  }

 private:
  std::map<std::string, int64_t> before_;
};

}  // namespace quartermaster::testing
