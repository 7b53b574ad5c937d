// `Records`: who sees what, and that nothing is missed or sent twice, whatever becomes of a stream.

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/uuid.h"
#include "platform/records/chain.h"
#include "platform/records/record_codec.h"
#include "platform/records/record_rows.h"
#include "quartermaster/inventory/v1/records.grpc.pb.h"
#include "tests/harness/invariants.h"
#include "tests/service/service_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;
using type::v1::RecordBatch;

constexpr char kAuditor[] = "persons/auditor";
constexpr char kEastClerk[] = "persons/east-clerk";

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
    RecordBatch batch;
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
  std::unique_ptr<grpc::ClientReader<RecordBatch>> reader_;
  std::vector<type::v1::Record> records_;
  std::vector<type::v1::RecordBlock> blocks_;
  int64_t sequence_ = 0;
  bool is_over_ = false;
};

v1::WatchRequest After(int64_t sequence) {
  v1::WatchRequest request;
  request.set_after_sequence(sequence);
  return request;
}

// A connection of its own, whose window does not grow with what is sent.
std::shared_ptr<grpc::Channel> NarrowChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

class RecordsServiceTest : public ServiceTest {
 protected:
  RecordsServiceTest() { Restart({.poll_interval = absl::Milliseconds(5), .page_records_max = 3}); }
  ~RecordsServiceTest() override { EXPECT_THAT(FindBookViolations(database_.pool()), IsEmpty()); }

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

  // Returns what the batches that are on their way take, as the metrics say.
  int64_t BatchBytes() {
    const std::string text = server_->metrics().Render();
    const std::string name = "\nqm_inventory_feed_batch_bytes ";
    const size_t at = text.find(name);
    EXPECT_NE(at, std::string::npos);
    return at == std::string::npos ? 0 : std::stoll(text.substr(at + name.size()));
  }

  const base::SystemClock clock_;
  base::UuidSource uuids_{clock_};
};

TEST_F(RecordsServiceTest, SendsWhatIsSealedAndThenWhatComes) {
  MakeUnit("city", "");
  Stream stream(*server_, After(0), kAuditor);
  ASSERT_TRUE(stream.ReadTo(1));

  MakeUnit("east", "units/city");
  ASSERT_TRUE(stream.ReadTo(2));

  EXPECT_THAT(stream.Resources(), ElementsAre("units/city", "units/east"));
  EXPECT_EQ(stream.records()[1].caller(), kAdmin);
  EXPECT_EQ(stream.records()[1].method(), "quartermaster.inventory.v1.Units/CreateUnit");
}

// Goal: whoever keeps the sequence of the last batch misses nothing and sees nothing twice.
// Method: one stream is read to the end; others are cut after each batch in turn, a page being
// three records, and go on in another stream while more is written.
TEST_F(RecordsServiceTest, ResumesFromAnyBatchWithoutGapOrDuplicate) {
  MakeTree();
  Append(20);
  Stream whole(*server_, After(0), kAuditor);
  ASSERT_TRUE(whole.ReadTo(24));

  std::vector<int64_t> pieced;
  int64_t after = 0;
  while (after < 24) {
    Stream piece(*server_, After(after), kAuditor);
    ASSERT_TRUE(piece.Next());
    for (const int64_t sequence : piece.Sequences()) pieced.push_back(sequence);
    ASSERT_GT(piece.sequence(), after);
    after = piece.sequence();
  }

  EXPECT_EQ(pieced, whole.Sequences());
  for (int64_t cut = 0; cut <= 24; ++cut) {
    Stream rest(*server_, After(cut), kAuditor);
    ASSERT_TRUE(rest.ReadTo(24));
    EXPECT_THAT(rest.Sequences(), ElementsAreArray(pieced.begin() + cut, pieced.end()));
  }
}

TEST_F(RecordsServiceTest, HandsOutAChainThatVerifies) {
  MakeTree();
  Stream stream(*server_, After(0), kAuditor);
  ASSERT_TRUE(stream.ReadTo(4));
  Append(30);
  ASSERT_TRUE(stream.ReadTo(34));

  records::ChainCheck check;
  auto block = stream.blocks().begin();
  for (const type::v1::Record& record : stream.records()) {
    const auto sealed = records::ParseRecord(record);
    ASSERT_TRUE(sealed.has_value());
    const auto misfit = check.Add(*sealed, records::ParseDigest(record.hash()));
    ASSERT_FALSE(misfit.has_value()) << misfit->what;
    for (; block != stream.blocks().end() && block->last_sequence() == record.sequence(); ++block) {
      const auto block_misfit = check.Add(*records::ParseBlock(*block));
      ASSERT_FALSE(block_misfit.has_value()) << block_misfit->what;
    }
  }
  EXPECT_EQ(check.uncovered_count(), 0u);
  const auto head = server_->Call(&v1::Records::Stub::GetHead, v1::GetHeadRequest(), kAuditor);
  ASSERT_TRUE(head.ok()) << head.status();
  EXPECT_EQ(records::ParseBlock(*head), check.head());
  v1::ListBlocksRequest list;
  list.set_after_number(check.head()->number - 1);
  const auto listed = server_->Call(&v1::Records::Stub::ListBlocks, list, kAuditor);
  ASSERT_TRUE(listed.ok()) << listed.status();
  ASSERT_EQ(listed->blocks_size(), 1);
  EXPECT_EQ(listed->blocks(0).hash(), head->hash());
}

// What touches no unit of the caller's is not sent, yet the stream says how far it has looked.
TEST_F(RecordsServiceTest, SendsToEachWhatTheirGrantsCover) {
  MakeTree();
  MakeLocation("units/west", "hall");
  MakeLocation("units/station", "room");
  MakeItem("n95-mask");
  MakeUnit("harbor", "units/west");

  Stream stream(*server_, After(0), kEastClerk);
  ASSERT_TRUE(stream.ReadTo(8));

  EXPECT_THAT(stream.Resources(), ElementsAre("units/east", "units/station",
                                              "units/station/locations/room", "items/n95-mask"));
  EXPECT_EQ(stream.sequence(), 8);
}

// Goal: who follows one replica misses nothing of a unit that another one made a moment ago.
// Method: this server takes nothing in by itself; the watcher's grant is on the unit above the new
// one, so that only the tree tells that it covers it.
TEST_F(RecordsServiceTest, SendsRecordsOfAUnitThatAnotherReplicaMade) {
  MakeUnit("city", "");
  MakeUnit("east", "units/city");
  const std::unique_ptr<InventoryServer> other = InventoryServer::Start(database_);
  other->authenticator().Grant(kAdmin, "units/city", {"units.manage"});
  Stream stream(*server_, After(0), kEastClerk);

  const auto made =
      other->Call(&v1::Units::Stub::CreateUnit, ACreateUnit("newest", "units/east"), kAdmin);

  ASSERT_TRUE(made.ok()) << made.status();
  ASSERT_TRUE(stream.ReadTo(3));
  EXPECT_THAT(stream.Resources(), ElementsAre("units/east", "units/newest"));
}

TEST_F(RecordsServiceTest, FiltersByUnitMethodAndResource) {
  MakeTree();
  MakeLocation("units/west", "hall");
  MakeLocation("units/station", "room");
  MakeItem("n95-mask");
  v1::WatchRequest by_unit;
  by_unit.set_unit("units/east");
  v1::WatchRequest by_method;
  by_method.add_method_prefixes("quartermaster.inventory.v1.Catalog/");
  by_method.add_method_prefixes("quartermaster.inventory.v1.Units/CreateLocation");
  v1::WatchRequest by_resource = by_method;
  by_resource.add_resource_prefixes("units/west/");

  Stream unit(*server_, by_unit, kAuditor);
  Stream method(*server_, by_method, kAuditor);
  Stream resource(*server_, by_resource, kAuditor);
  ASSERT_TRUE(unit.ReadTo(7) && method.ReadTo(7) && resource.ReadTo(7));

  EXPECT_THAT(unit.Resources(),
              ElementsAre("units/east", "units/station", "units/station/locations/room"));
  EXPECT_THAT(method.Resources(), ElementsAre("units/west/locations/hall",
                                              "units/station/locations/room", "items/n95-mask"));
  EXPECT_THAT(resource.Resources(), ElementsAre("units/west/locations/hall"));
}

TEST_F(RecordsServiceTest, RefusesInTheDocumentedOrder) {
  MakeTree();
  server_->authenticator().Grant("persons/nobody", "units/city", {"units.read"});
  v1::WatchRequest request;
  request.set_after_sequence(-1);
  request.set_unit("nonsense");
  request.add_method_prefixes("");
  for (int i = 0; i < 17; ++i) request.add_resource_prefixes("r");

  EXPECT_EQ(OutcomeOf(EndOf(*server_, request, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(OutcomeOf(EndOf(*server_, request, "persons/nobody")),
            "PERMISSION_DENIED PERMISSION_DENIED");
  const absl::Status invalid = EndOf(*server_, request, kEastClerk);
  EXPECT_EQ(OutcomeOf(invalid), "INVALID_ARGUMENT INVALID_FIELD");
  EXPECT_THAT(ViolatedFields(absl::StatusOr<int>(invalid)),
              ElementsAre("after_sequence", "unit", "method_prefixes[0]", "resource_prefixes"));
  request = After(1000);
  request.set_unit("units/west");
  EXPECT_EQ(OutcomeOf(EndOf(*server_, request, kEastClerk)), "PERMISSION_DENIED PERMISSION_DENIED");
  request.set_unit("units/no-such");
  EXPECT_EQ(OutcomeOf(EndOf(*server_, request, kEastClerk)), "PERMISSION_DENIED PERMISSION_DENIED");
  Stream(*server_, After(0), kAuditor).ReadTo(4);
  const absl::Status beyond = EndOf(*server_, After(1000), kAuditor);
  EXPECT_EQ(OutcomeOf(beyond), "OUT_OF_RANGE SEQUENCE_NOT_SEALED");
  EXPECT_EQ(Metadata(absl::StatusOr<int>(beyond), "sealed_sequence"), "4");
  EXPECT_EQ(OutcomeOf(EndOf(*server_, After(0), kAuditor, absl::Milliseconds(200))).substr(0, 17),
            "DEADLINE_EXCEEDED");
}

TEST_F(RecordsServiceTest, SaysSoWhenNothingIsSealed) {
  EXPECT_EQ(Outcome(server_->Call(&v1::Records::Stub::GetHead, v1::GetHeadRequest(), kAuditor)),
            "NOT_FOUND BLOCK_NOT_FOUND");
  v1::ListBlocksRequest list;
  list.set_after_number(-1);
  list.set_page_size(-1);
  EXPECT_THAT(ViolatedFields(server_->Call(&v1::Records::Stub::ListBlocks, list, kAuditor)),
              ElementsAre("after_number", "page_size"));
  Stream stream(*server_, After(0), kAuditor);
  // The first answer comes at once and says that there is nothing.
  ASSERT_TRUE(stream.Next());
  EXPECT_EQ(stream.sequence(), 0);
}

TEST_F(RecordsServiceTest, RefusesMoreStreamsThanItMayHave) {
  Restart({.poll_interval = absl::Milliseconds(5), .watchers_max = 2});
  MakeUnit("city", "");
  Stream first(*server_, After(0), kAuditor);
  Stream second(*server_, After(0), kAuditor);
  ASSERT_TRUE(first.Next() && second.Next());

  EXPECT_EQ(OutcomeOf(EndOf(*server_, After(0), kAuditor)), "RESOURCE_EXHAUSTED OVERLOADED");

  // One that leaves makes room.
  first.Cancel();
  EXPECT_TRUE(Eventually([&] {
    Stream third(*server_, After(0), kAuditor);
    return third.Next();
  }));
}

TEST_F(RecordsServiceTest, RefusesMoreStreamsThanACallerMayHave) {
  Restart({.poll_interval = absl::Milliseconds(5), .watchers_per_caller_max = 2});
  MakeTree();
  Stream first(*server_, After(0), kAuditor);
  Stream second(*server_, After(0), kAuditor);
  ASSERT_TRUE(first.Next() && second.Next());

  const absl::Status refused = EndOf(*server_, After(0), kAuditor);
  EXPECT_EQ(OutcomeOf(refused), "RESOURCE_EXHAUSTED CALLER_OVERLOADED");
  EXPECT_EQ(Metadata(absl::StatusOr<int>(refused), "streams_max"), "2");
  EXPECT_GT(status::GetErrorDetail(refused).retry_after, absl::ZeroDuration());
  Stream another(*server_, After(0), kEastClerk);
  EXPECT_TRUE(another.Next());

  first.Cancel();
  EXPECT_TRUE(Eventually([&] {
    Stream third(*server_, After(0), kAuditor);
    return third.Next();
  }));
}

// Goal: readers that take nothing cannot have the server hold a batch for each of them.
// Method: one batch may be on its way at all; a stream that is not read has it, and another is
// ended when its turn comes, told where to resume, and can once the first has gone.
TEST_F(RecordsServiceTest, EndsAStreamWhileTooMuchIsOnItsWay) {
  Restart({.poll_interval = absl::Milliseconds(5), .batch_bytes_max = 1});
  MakeUnit("city", "");
  constexpr int kCount = 8000;
  for (int i = 0; i < kCount / 500; ++i) Append(500, "units/city/locations/a-rather-long-name-");
  ASSERT_TRUE(Stream(*server_, After(0), kAuditor).ReadTo(kCount + 1));
  // What that one had must be gone, or it is the slow one that is ended.
  ASSERT_TRUE(Eventually([&] { return BatchBytes() == 0; }));
  auto slow = std::make_unique<Stream>(*server_, After(0), kAuditor, absl::Seconds(30),
                                       NarrowChannel(server_->address()));
  ASSERT_TRUE(slow->Next());
  // It must have its batch before another comes, which could have that place otherwise: one that
  // has stayed for a while stays.
  ASSERT_TRUE(Eventually([&] {
    bool has_stayed = true;
    for (int i = 0; i < 10 && has_stayed; ++i) {
      absl::SleepFor(absl::Milliseconds(20));
      has_stayed = BatchBytes() > 0;
    }
    return has_stayed;
  }));
  Stream other(*server_, After(kCount), kAuditor);
  while (other.Next()) Append(1);

  const absl::Status ended = other.End();
  EXPECT_EQ(OutcomeOf(ended), "RESOURCE_EXHAUSTED OVERLOADED");
  EXPECT_EQ(Metadata(absl::StatusOr<int>(ended), "sequence"), absl::StrCat(other.sequence()));
  EXPECT_GT(status::GetErrorDetail(ended).retry_after, absl::ZeroDuration());
  slow.reset();
  EXPECT_TRUE(Eventually([&] { return BatchBytes() == 0; }));
  Append(1);
  Stream rest(*server_, After(other.sequence()), kAuditor);
  EXPECT_TRUE(rest.Next());
}

TEST_F(RecordsServiceTest, EndsAStreamWhoseTimeOrGrantIsOver) {
  Restart({.poll_interval = absl::Milliseconds(5), .watch_time_max = absl::Seconds(1)});
  MakeUnit("city", "");
  server_->authenticator().Grant("persons/leaving", "units/city", {"records.watch"},
                                 absl::Now() + absl::Milliseconds(300));

  EXPECT_EQ(OutcomeOf(EndOf(*server_, After(0), "persons/leaving")),
            "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(OutcomeOf(EndOf(*server_, After(0), kAuditor)), "DEADLINE_EXCEEDED DEADLINE_EXCEEDED");
}

TEST_F(RecordsServiceTest, EndsStreamsWhenItStops) {
  MakeUnit("city", "");
  Stream stream(*server_, After(0), kAuditor);
  ASSERT_TRUE(stream.Next());
  server_->inventory().EndStreams();

  EXPECT_EQ(OutcomeOf(stream.End()), "UNAVAILABLE SERVER_STOPPING");
  EXPECT_EQ(OutcomeOf(EndOf(*server_, After(0), kAuditor)), "UNAVAILABLE SERVER_STOPPING");
}

// Goal: a reader that takes nothing holds up nobody, and is told where to resume.
// Method: one stream is opened and not read, while another reads thousands of records to the end.
// Then the slow one reads what was on its way, and the rest in a new stream.
TEST_F(RecordsServiceTest, ASlowReaderIsEndedAndDoesNotSlowAFastOne) {
  Restart({.poll_interval = absl::Milliseconds(5), .write_time_max = absl::Milliseconds(500)});
  MakeUnit("city", "");
  constexpr int kCount = 8000;
  for (int i = 0; i < kCount / 500; ++i) Append(500, "units/city/locations/a-rather-long-name-");
  Stream slow(*server_, After(0), kAuditor, absl::Seconds(30), NarrowChannel(server_->address()));
  ASSERT_TRUE(slow.Next());

  Stream fast(*server_, After(0), kAuditor);
  ASSERT_TRUE(fast.ReadTo(kCount + 1));
  ASSERT_TRUE(Eventually([&] {
    return server_->metrics().Render().find(
               "code=\"RESOURCE_EXHAUSTED\",method=\"quartermaster.inventory.v1.Records/Watch\"} "
               "1") != std::string::npos;
  }));
  const absl::Status ended = slow.End();

  EXPECT_EQ(OutcomeOf(ended), "RESOURCE_EXHAUSTED READER_TOO_SLOW");
  EXPECT_LT(slow.sequence(), kCount);
  int64_t resume = 0;
  ASSERT_TRUE(absl::SimpleAtoi(Metadata(absl::StatusOr<int>(ended), "sequence"), &resume));
  EXPECT_LE(resume, slow.sequence());
  Stream rest(*server_, After(slow.sequence()), kAuditor);
  ASSERT_TRUE(rest.ReadTo(kCount + 1));
  EXPECT_EQ(slow.records().size() + rest.records().size(), fast.records().size());
}

// Goal: threads that come, read, are cut and go leave nothing behind and disturb nobody.
// Method: eight of them, while records are written; each pieces the whole together.
TEST_F(RecordsServiceTest, ManyReadersComeAndGoWhileRecordsAreWritten) {
  MakeUnit("city", "");
  constexpr int64_t kLast = 121;
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 8; ++reader) {
    readers.emplace_back([&, reader] {
      std::vector<int64_t> pieced;
      int64_t after = 0;
      while (after < kLast) {
        Stream piece(*server_, After(after), kAuditor);
        for (int i = 0; i <= reader % 3 && piece.sequence() < kLast && piece.Next(); ++i) {
        }
        for (const int64_t sequence : piece.Sequences()) pieced.push_back(sequence);
        after = piece.sequence();
      }
      EXPECT_EQ(static_cast<int64_t>(pieced.size()), kLast);
      for (size_t i = 0; i < pieced.size(); ++i) EXPECT_EQ(pieced[i], static_cast<int64_t>(i) + 1);
    });
  }
  for (int i = 0; i < 12; ++i) Append(10);
  for (std::thread& reader : readers) reader.join();

  EXPECT_TRUE(Eventually([&] {
    return server_->metrics().Render().find("qm_inventory_feed_watchers_count 0") !=
           std::string::npos;
  }));
}

}  // namespace
}  // namespace quartermaster::testing
