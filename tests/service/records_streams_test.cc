// The streams of `Records.Watch`: how many there may be, what ends them, and that those that are
// slow or cut cost the others nothing.

#include <thread>

#include "absl/strings/numbers.h"
#include "tests/service/records_test.h"

namespace quartermaster::testing {
namespace {

// A connection of its own, whose window does not grow with what is sent.
std::shared_ptr<grpc::Channel> NarrowChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

class RecordsStreamsTest : public RecordsServiceTest {
 protected:
  // Returns what the batches that are on their way take, as the metrics say.
  int64_t BatchBytes() {
    const std::string text = server_->metrics().Render();
    const std::string name = "\nqm_inventory_feed_batch_bytes ";
    const size_t at = text.find(name);
    EXPECT_NE(at, std::string::npos);
    return at == std::string::npos ? 0 : std::stoll(text.substr(at + name.size()));
  }
};

TEST_F(RecordsStreamsTest, RefusesMoreStreamsThanItMayHave) {
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

TEST_F(RecordsStreamsTest, RefusesMoreStreamsThanACallerMayHave) {
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
TEST_F(RecordsStreamsTest, EndsAStreamWhileTooMuchIsOnItsWay) {
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

TEST_F(RecordsStreamsTest, EndsAStreamWhoseTimeOrGrantIsOver) {
  Restart({.poll_interval = absl::Milliseconds(5), .watch_time_max = absl::Seconds(1)});
  MakeUnit("city", "");
  server_->authenticator().Grant("persons/leaving", "units/city", {"records.watch"},
                                 absl::Now() + absl::Milliseconds(300));

  EXPECT_EQ(OutcomeOf(EndOf(*server_, After(0), "persons/leaving")),
            "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(OutcomeOf(EndOf(*server_, After(0), kAuditor)), "DEADLINE_EXCEEDED DEADLINE_EXCEEDED");
}

TEST_F(RecordsStreamsTest, EndsStreamsWhenItStops) {
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
TEST_F(RecordsStreamsTest, ASlowReaderIsEndedAndDoesNotSlowAFastOne) {
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
TEST_F(RecordsStreamsTest, ManyReadersComeAndGoWhileRecordsAreWritten) {
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
