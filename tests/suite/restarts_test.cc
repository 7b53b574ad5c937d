// A program that is not there, and programs that end in order while others use them.

#include <atomic>
#include <csignal>
#include <functional>
#include <mutex>
#include <thread>

#include "absl/strings/str_cat.h"
#include "platform/status/error.h"
#include "tests/suite/doors.h"

namespace quartermaster::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using Json = nlohmann::json;

using OverviewTest = SuiteTest;
using DrainTest = SuiteTest;

constexpr absl::Duration kDrainTimeMax = absl::Seconds(20);

Json Situation() {
  const HttpReply reply = CallJson("GET", "/v1/units/city:situation", ClerkToken());
  EXPECT_EQ(reply.status, 200) << reply.body;
  return Json::parse(reply.body, nullptr, false);
}

// Goal: a service that is gone costs its part of the report, which says since when; it comes back
// by itself.
TEST_F(OverviewTest, SaysWhatIsMissingSinceWhenAndRecovers) {
  ASSERT_TRUE(MakeGrpcDoor(ClerkToken())->Post(AReceipt(5)).ok());
  const Json whole = Situation();
  ASSERT_THAT(whole["stock"], SizeIs(1));
  EXPECT_EQ(whole["stock"][0]["unit"], "units/city");
  EXPECT_EQ(whole["stock"][0]["item"], "items/mask");
  EXPECT_EQ(whole["stock"][0]["baseUnit"], "piece");
  EXPECT_THAT(whole["missingParts"], IsEmpty());
  const absl::Time stopped = absl::Now();
  ASSERT_EQ(SharedStack().inventory().Stop(absl::Now() + kDrainTimeMax), 0);

  const Json first = Situation();
  const Json second = Situation();
  const HttpReply direct = CallJson("GET", "/v1/units/city/movements", ClerkToken());

  ASSERT_GE(first["missingParts"].size(), 1u) << first.dump();
  const Json& part = first["missingParts"][0];
  EXPECT_EQ(part["part"], "stock");
  EXPECT_EQ(part["service"], "inventory");
  EXPECT_NE(part["message"], "");
  absl::Time since;
  std::string error;
  ASSERT_TRUE(
      absl::ParseTime(absl::RFC3339_full, part["sinceTime"].get<std::string>(), &since, &error))
      << error;
  EXPECT_GE(since, stopped - absl::Seconds(5));
  EXPECT_LE(since, absl::Now());
  EXPECT_EQ(second["missingParts"][0]["sinceTime"], part["sinceTime"]);
  EXPECT_THAT(first["stock"], IsEmpty());
  EXPECT_EQ(direct.status, 503) << direct.body;
  EXPECT_EQ(Json::parse(direct.body)["code"], 14);
  ASSERT_TRUE(SharedStack().StartInventory().ok());
  Json after;
  EXPECT_TRUE(WaitUntil(absl::Now() + absl::Seconds(20), [&] {
    after = Situation();
    return after["missingParts"].empty();
  })) << after.dump();
  EXPECT_EQ(after["stock"], whole["stock"]);
}

// Clerks who post through the gateway until they are told to stop, and keep what they were told.
class Clerks {
 public:
  explicit Clerks(int count) {
    for (int i = 0; i < count; ++i) {
      threads_.emplace_back([this, i] { Work(i); });
    }
  }
  ~Clerks() { Stop(); }

  void Stop() {
    is_over_ = true;
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }
  int acknowledged_count() const { return acknowledged_count_; }
  // What was acknowledged; after `Stop`.
  const std::vector<v1::Movement>& acknowledged() const { return acknowledged_; }
  // Errors other than that a program was away; after `Stop`.
  const std::vector<std::string>& surprises() const { return surprises_; }

 private:
  void Work(int number) {
    const std::unique_ptr<Door> door =
        (number % 2 == 0 ? MakeGrpcDoor : MakeJsonDoor)(ClerkToken(absl::StrCat("c", number)));
    while (!is_over_) {
      const v1::PostMovementRequest request = AReceipt(1, number % 3 == 0 ? kShelf : kDepot);
      // The same request until it is answered, as clients do.
      while (true) {
        const auto posted = door->Post(request);
        if (posted.ok()) {
          const std::lock_guard lock(mutex_);
          acknowledged_.push_back(*posted);
          ++acknowledged_count_;
          break;
        }
        if (!absl::IsUnavailable(posted.status()) && !absl::IsCancelled(posted.status())) {
          const std::lock_guard lock(mutex_);
          surprises_.push_back(posted.status().ToString());
        }
        if (is_over_) break;
      }
    }
  }

  std::atomic<bool> is_over_ = false;
  std::atomic<int> acknowledged_count_ = 0;
  std::mutex mutex_;
  std::vector<v1::Movement> acknowledged_;
  std::vector<std::string> surprises_;
  std::vector<std::thread> threads_;
};

// Asks a program to end while clerks post, and starts it again; returns its exit status.
int EndUnderLoad(Clerks& clerks, Process& program, const std::function<absl::Status()>& start) {
  const auto wait_for_more = [&](int more) {
    const int wanted = clerks.acknowledged_count() + more;
    EXPECT_TRUE(WaitUntil(absl::Now() + absl::Seconds(30),
                          [&] { return clerks.acknowledged_count() >= wanted; }));
  };
  wait_for_more(20);
  const absl::Time asked = absl::Now();
  program.Signal(SIGTERM);
  const std::optional<int> exit_status = program.Wait(asked + kDrainTimeMax);
  EXPECT_TRUE(exit_status.has_value()) << "it did not end within its drain time";
  EXPECT_TRUE(start().ok());
  wait_for_more(20);
  return exit_status.value_or(-1);
}

void CheckAllAreInTheBooks(const Clerks& clerks) {
  const std::unique_ptr<Door> door = MakeGrpcDoor(ClerkToken());
  for (const v1::Movement& movement : clerks.acknowledged()) {
    const auto found = door->Get(movement.name());
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(found->SerializeAsString(), movement.SerializeAsString());
  }
}

// Goal: a program that is asked to end loses nothing that it acknowledged, and ends in time.
TEST_F(DrainTest, InventoryEndsInOrderUnderLoad) {
  Clerks clerks(6);

  const int exit_status = EndUnderLoad(clerks, SharedStack().inventory(),
                                       [] { return SharedStack().StartInventory(); });
  clerks.Stop();

  EXPECT_EQ(exit_status, 0);
  EXPECT_THAT(clerks.surprises(), IsEmpty());
  CheckAllAreInTheBooks(clerks);
}

TEST_F(DrainTest, TheGatewayEndsInOrderUnderLoad) {
  Clerks clerks(6);

  const int exit_status =
      EndUnderLoad(clerks, SharedStack().gateway(), [] { return SharedStack().StartGateway(); });
  clerks.Stop();

  EXPECT_EQ(exit_status, 0);
  EXPECT_THAT(clerks.surprises(), IsEmpty());
  CheckAllAreInTheBooks(clerks);
}

}  // namespace
}  // namespace quartermaster::testing
