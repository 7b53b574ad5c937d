// That the callers of the bench count what really happened: what is measured rests on it.

#include "tests/load/callers.h"

#include <sys/socket.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/harness/endpoint.h"
#include "tests/service/caller_test.h"

namespace quartermaster::load {
namespace {

namespace v1 = inventory::v1;
using ::testing::AllOf;
using ::testing::HasSubstr;

// Counted from the first call on.
RunOptions AsCaller(const std::string& caller) {
  return {.caller_count = 8,
          .warm_up = absl::ZeroDuration(),
          .duration = absl::Milliseconds(300),
          .metadata = {{"authorization", caller}}};
}

class CallersTest : public testing::CallerTest {
 protected:
  Target InTheClear() const { return {.address = server_->address()}; }

  Target WithCertificate(const rpc::TestCa& authority) const {
    const rpc::TestCa::Pair pair = ca_.Sign(testing::kProvince);
    return {.address = secure_->address(),
            .ca_file = folder_.Put("caller-ca.pem", authority.certificate()),
            .certificate_file = folder_.Put("caller.pem", pair.certificate),
            .key_file = folder_.Put("caller-key.pem", pair.key)};
  }

  // Makes receipts, and counts them.
  MakeRequest Receipts() {
    return [this](int64_t) {
      ++made_count_;
      return testing::AReceipt(1);
    };
  }

  int64_t made_count_ = 0;
};

TEST_F(CallersTest, CountsEachAnswerOnce) {
  const RunResult result = RunPostings(InTheClear(), Receipts(), AsCaller(testing::kClerk));

  EXPECT_EQ(result.error_count, 0) << result.first_error;
  EXPECT_GT(result.ok_count, 8);
  EXPECT_EQ(result.ok_count, made_count_);
  EXPECT_EQ(result.ok_count, Count("movements"));
  EXPECT_GT(result.p50_ms, 0);
  EXPECT_GE(result.p99_ms, result.p50_ms);
}

TEST_F(CallersTest, CountsAnswersOverMutualTls) {
  const RunResult result = RunPostings(WithCertificate(ca_), Receipts(), AsCaller(""));

  EXPECT_EQ(result.error_count, 0) << result.first_error;
  EXPECT_GT(result.ok_count, 8);
  EXPECT_EQ(result.ok_count, Count("movements"));
}

// Goal: refusals are no answers, and the first is told as the service put it, whatever its bytes.
// Method: every second posting consumes more than there is, with a lot whose name is not ASCII.
TEST_F(CallersTest, CountsRefusalsApartAndTellsTheFirst) {
  v1::PostMovementRequest refused = testing::AReceipt(1, testing::kDepot, "items/口罩/lots/m1");
  const auto error = Post(refused);
  ASSERT_THAT(std::string(error.status().message()), HasSubstr("口罩"));

  const RunResult result = RunPostings(
      InTheClear(),
      [&](int64_t number) {
        ++made_count_;
        return number % 2 == 0 ? testing::AReceipt(1) : refused;
      },
      AsCaller(testing::kClerk));

  EXPECT_GT(result.error_count, 0);
  EXPECT_EQ(result.first_error, error.status().message());
  EXPECT_EQ(result.ok_count, Count("movements"));
  EXPECT_EQ(result.ok_count + result.error_count, made_count_);
}

TEST_F(CallersTest, AForeignServerIsNotCalled) {
  const RunResult result = RunPostings(WithCertificate(rpc::TestCa()), Receipts(), AsCaller(""));

  EXPECT_EQ(result.ok_count, 0);
  EXPECT_GT(result.error_count, 0);
  EXPECT_THAT(result.first_error, HasSubstr("certificate verify failed"));
  EXPECT_EQ(made_count_, 0);
}

// Accepts connections and never says a word.
class SilentServer {
 public:
  SilentServer() : endpoint_("", 0), socket_(endpoint_.MakeSocket()) {
    QM_CHECK(::bind(socket_.get(), endpoint_.get(), endpoint_.size) == 0);
    QM_CHECK(::listen(socket_.get(), 16) == 0);
    QM_CHECK(::getsockname(socket_.get(), endpoint_.get(), &endpoint_.size) == 0);
  }
  std::string address() const {
    const auto& bound = reinterpret_cast<const sockaddr_in&>(endpoint_.address);
    return absl::StrCat("127.0.0.1:", ntohs(bound.sin_port));
  }

 private:
  testing::Endpoint endpoint_;
  testing::Descriptor socket_;
};

TEST(SilentServerTest, UnansweredCallsEndAsErrors) {
  const SilentServer server;
  RunOptions options = AsCaller("");
  options.call_timeout = absl::Milliseconds(200);

  const absl::Time start = absl::Now();
  const RunResult result = RunPostings(
      {.address = server.address()}, [](int64_t) { return testing::AReceipt(1); }, options);

  EXPECT_LT(absl::Now() - start, absl::Seconds(20));
  EXPECT_EQ(result.ok_count, 0);
  EXPECT_EQ(result.error_count, 8);
  EXPECT_THAT(result.first_error, HasSubstr("no answer within 200ms"));
}

TEST(SilentServerTest, NobodyThereIsAnError) {
  std::string address;
  {
    const SilentServer server;
    address = server.address();
  }
  const RunResult result = RunPostings(
      {.address = address}, [](int64_t) { return testing::AReceipt(1); }, AsCaller(""));

  EXPECT_EQ(result.ok_count, 0);
  EXPECT_GT(result.error_count, 0);
  EXPECT_THAT(result.first_error, AllOf(HasSubstr(address), HasSubstr("refused")));
}

}  // namespace
}  // namespace quartermaster::load
