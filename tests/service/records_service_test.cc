// `Records`: who sees what, and that nothing is missed or sent twice.

#include "platform/records/chain.h"
#include "platform/records/record_codec.h"
#include "tests/service/records_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

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

}  // namespace
}  // namespace quartermaster::testing
