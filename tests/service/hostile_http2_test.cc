// What HTTP/2 lets a connection do before any of our code sees a call. gRPC 1.51 has no remedy for
// some of it (SECURITY.md says which, with the figures that these tests print); what must hold is
// that others are served and nothing is written.

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <thread>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "platform/rpc/raw_connection.h"
#include "tests/service/hostile_test.h"

namespace quartermaster::testing {
namespace {

constexpr char kPostMovement[] = "quartermaster.inventory.v1.Ledger/PostMovement";

// A hundred times more than what a call may bring.
constexpr size_t kHeaderBytes = 4 << 20;

class HostileHttp2Test : public HostileTest {
 protected:
  using Raw = rpc::RawConnection;

  // Prints what the process spent on `attack`, while somebody else calls all the time and must be
  // answered each time.
  template <typename Attack>
  void WhileOthersCall(const std::string& title, Attack attack) {
    std::atomic<bool> is_over = false;
    int answer_count = 0;
    absl::Duration longest;
    std::thread other([&] {
      while (!is_over) {
        const absl::Time start = absl::Now();
        v1::ListBalancesRequest request;
        request.set_unit("units/east");
        const auto answer = server_->Call(&LedgerStub::ListBalances, request, kClerk);
        EXPECT_EQ(Outcome(answer), "OK") << answer.status();
        longest = std::max(longest, absl::Now() - start);
        ++answer_count;
      }
    });
    const absl::Duration before = CpuTime();
    const std::string what = attack();
    const absl::Duration spent = CpuTime() - before;
    is_over = true;
    other.join();
    std::cout << title << ": " << what << ", " << absl::FormatDuration(spent)
              << " of CPU with both sides; meanwhile " << answer_count
              << " calls of another were answered, the slowest in " << absl::FormatDuration(longest)
              << "\n";
  }

 private:
  static absl::Duration CpuTime() {
    rusage usage = {};
    getrusage(RUSAGE_SELF, &usage);
    return absl::DurationFromTimeval(usage.ru_utime) + absl::DurationFromTimeval(usage.ru_stime);
  }
};

// Goal: streams that are opened and reset at once (CVE-2023-44487) take nobody else's service away.
TEST_F(HostileHttp2Test, StreamsResetAtOnceHarmNobodyElse) {
  WhileOthersCall("reset", [&] {
    Raw connection(server_->address());
    connection.Greet();
    int reset_count = 0;
    for (uint32_t stream = 1; stream < 20'000; stream += 2) {
      if (!connection.Open(stream, kPostMovement, {{"authorization", kClerk}}) ||
          !connection.SendFrame(Raw::kReset, 0, stream, std::string("\0\0\0\10", 4))) {
        break;
      }
      ++reset_count;
    }
    return absl::StrCat(reset_count, " streams opened and reset, the connection ",
                        connection.Ping() ? "left open" : "closed");
  });
}

// Goal: a header that says it is very long (CVE-2023-33953) is read by gRPC far past every limit of
// ours, and still takes nobody else's service away.
TEST_F(HostileHttp2Test, AHeaderWithoutEndHarmsNobodyElse) {
  WhileOthersCall("long header", [&] {
    Raw connection(server_->address());
    connection.Greet();
    // A literal header `x` whose value's length has a prefix of seven bits (RFC 7541, 5.1).
    size_t declared = kHeaderBytes - 127;
    std::string begin("\0\1x\x7f", 4);
    for (; declared >= 128; declared /= 128) {
      begin.push_back(static_cast<char>(declared % 128 + 128));
    }
    begin.push_back(static_cast<char>(declared));
    bool is_open = connection.SendFrame(Raw::kHeaders, 0, 1, begin);
    size_t sent = 0;
    const std::string part(Raw::kFrameBytesMax, 'x');
    for (; is_open && sent < kHeaderBytes; sent += part.size()) {
      const uint8_t flags = sent + part.size() < kHeaderBytes ? 0 : Raw::kEndOfHeaders;
      is_open = connection.SendFrame(Raw::kContinuation, flags, 1, part);
    }
    is_open = is_open && connection.Ping();
    return absl::StrCat(sent >> 10, " KiB of one header taken, the connection ",
                        is_open ? "left open" : "closed");
  });
}

// Goal: a client that never acknowledges the server's settings, and so is not held to its limit of
// metadata by gRPC, is held to it by us.
TEST_F(HostileHttp2Test, MetadataBeforeSettingsAreAcknowledgedIsRefused) {
  Raw connection(server_->address());
  connection.Greet();
  Raw::Headers headers = {{"authorization", kClerk}};
  for (int i = 0; i < 150; ++i) headers.push_back({absl::StrCat("x-", i), std::string(100, 'x')});
  ASSERT_TRUE(connection.Open(1, kPostMovement, headers));
  const std::string request = AReceipt(1).SerializeAsString();
  ASSERT_LT(request.size(), 256u);
  ASSERT_TRUE(connection.SendFrame(
      Raw::kData, Raw::kEndOfStream, 1,
      std::string("\0\0\0\0", 4) + static_cast<char>(request.size()) + request));

  EXPECT_TRUE(WaitUntil(absl::Now() + absl::Seconds(10), [&] {
    return absl::StrContains(server_->metrics().Render(), "code=\"INVALID_ARGUMENT\"");
  })) << server_->metrics().Render();
}

}  // namespace
}  // namespace quartermaster::testing
