#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/uuid.h"
#include "platform/records/record_rows.h"
#include "quartermaster/inventory/v1/records.grpc.pb.h"
#include "tests/harness/invariants.h"
#include "tests/service/service_test.h"

namespace quartermaster::testing {

// Who may follow all records, and who those of one unit.
inline constexpr char kAuditor[] = "persons/auditor";
inline constexpr char kEastClerk[] = "persons/east-clerk";

// One stream, read by a test.
class Stream {
 public:
  Stream(InventoryServer& server, const v1::WatchRequest& request, const std::string& caller,
         absl::Duration timeout = absl::Seconds(30),
         const std::shared_ptr<grpc::Channel>& channel = nullptr)
      : stub_(channel == nullptr ? server.channel() : channel) {
    server.Prepare(context_, caller, timeout);
    reader_ = stub_.Watch(&context_, request);
    sequence_ = request.after_sequence();
  }
  ~Stream() {
    context_.TryCancel();
    if (!is_over_) End().IgnoreError();
  }

  // Reads one batch; false at the end.
  bool Next() {
    type::v1::RecordBatch batch;
    if (!reader_->Read(&batch)) return false;
    for (const type::v1::Record& record : batch.records()) records_.push_back(record);
    for (const type::v1::RecordBlock& block : batch.blocks()) blocks_.push_back(block);
    EXPECT_GE(batch.sequence(), sequence_);
    sequence_ = batch.sequence();
    return true;
  }
  // Reads until the feed has looked as far as `sequence`.
  bool ReadTo(int64_t sequence) {
    while (sequence_ < sequence) {
      if (!Next()) return false;
    }
    return true;
  }
  // Reads to the end and returns what it ended with.
  absl::Status End() {
    while (Next()) {
    }
    is_over_ = true;
    return rpc::FromGrpcStatus(reader_->Finish());
  }
  void Cancel() { context_.TryCancel(); }

  std::vector<int64_t> Sequences() const {
    std::vector<int64_t> sequences;
    for (const type::v1::Record& record : records_) sequences.push_back(record.sequence());
    return sequences;
  }
  std::vector<std::string> Resources() const {
    std::vector<std::string> resources;
    for (const type::v1::Record& record : records_) resources.push_back(record.resource());
    return resources;
  }
  const std::vector<type::v1::Record>& records() const { return records_; }
  const std::vector<type::v1::RecordBlock>& blocks() const { return blocks_; }
  int64_t sequence() const { return sequence_; }

 private:
  v1::Records::Stub stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<type::v1::RecordBatch>> reader_;
  std::vector<type::v1::Record> records_;
  std::vector<type::v1::RecordBlock> blocks_;
  int64_t sequence_ = 0;
  bool is_over_ = false;
};

inline v1::WatchRequest After(int64_t sequence) {
  v1::WatchRequest request;
  request.set_after_sequence(sequence);
  return request;
}

// Tests of `Records`: a server that seals and follows, three records to a page. After each test the
// books must hold.
class RecordsServiceTest : public ServiceTest {
 protected:
  RecordsServiceTest() { Restart({.poll_interval = absl::Milliseconds(5), .page_records_max = 3}); }
  ~RecordsServiceTest() override {
    EXPECT_THAT(FindBookViolations(database_.pool()), ::testing::IsEmpty());
  }

  // A server that seals and follows, with these limits.
  void Restart(const records::FeedOptions& feed) {
    server_.reset();
    InventoryServer::Options options;
    options.seals = true;
    options.inventory.feed = feed;
    server_ = InventoryServer::Start(database_, options);
    server_->authenticator().Grant(kAdmin, "units/city", {"units.manage", "catalog.manage"});
    server_->authenticator().Grant(kAuditor, "units/city", {"records.watch"});
    server_->authenticator().Grant(kEastClerk, "units/east", {"records.watch"});
  }

  // Appends `count` records, the i-th of `resource` and i, as if services had written them.
  void Append(int count, const std::string& resource = "units/station/locations/r") {
    std::vector<records::Record> records;
    for (int i = 0; i < count; ++i) {
      records.push_back({.record_id = uuids_.Next(),
                         .record_time = clock_.Now() + absl::Microseconds(i),
                         .occurred_time = clock_.Now(),
                         .caller = "persons/clerk",
                         .method = "quartermaster.inventory.v1.Units/CreateLocation",
                         .resource = absl::StrCat(resource, i),
                         .request_id = uuids_.Next()});
    }
    const auto connection = database_.pool().Acquire(absl::Now() + absl::Seconds(10));
    ASSERT_TRUE(connection.ok()) << connection.status();
    const mysql::Statement statement = records::InsertRecords(records);
    const auto appended = (*connection)->ExecuteBatch({statement}).status();
    ASSERT_TRUE(appended.ok()) << appended;
  }

  static absl::Status EndOf(InventoryServer& server, const v1::WatchRequest& request,
                            const std::string& caller, absl::Duration timeout = absl::Seconds(30)) {
    return Stream(server, request, caller, timeout).End();
  }

  // Waits for something that another thread does.
  template <typename F>
  static bool Eventually(F holds) {
    const absl::Time until = absl::Now() + absl::Seconds(20);
    while (absl::Now() < until) {
      if (holds()) return true;
      absl::SleepFor(absl::Milliseconds(2));
    }
    return false;
  }

  const base::SystemClock clock_;
  base::UuidSource uuids_{clock_};
};

}  // namespace quartermaster::testing
