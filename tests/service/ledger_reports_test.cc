// Ledger.SummarizeStock and Ledger.ProveConservation, and what operators see of calls.

#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "platform/log/log.h"
#include "tests/service/ledger_test.h"

namespace quartermaster::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SummarizeStockTest : public LedgerTest {
 protected:
  absl::StatusOr<v1::SummarizeStockResponse> Summarize(const std::string& unit, int days = 0,
                                                       const std::string& caller = kClerk) {
    v1::SummarizeStockRequest request;
    request.set_unit(unit);
    request.set_expiring_days(days);
    return server_->Call(&LedgerStub::SummarizeStock, request, caller);
  }
  std::vector<std::string> Lines(const std::string& unit, int page_size = 0) {
    std::vector<std::string> lines;
    v1::SummarizeStockRequest request;
    request.set_unit(unit);
    request.set_page_size(page_size);
    do {
      const auto page = server_->Call(&LedgerStub::SummarizeStock, request, kClerk);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      EXPECT_TRUE(page_size == 0 || page->lines_size() <= page_size) << page_size;
      for (const v1::StockLine& line : page->lines()) {
        lines.push_back(absl::StrCat(line.unit(), " ", line.item(), " ", line.available(), " ",
                                     line.reserved(), " ", line.quarantine(), " ",
                                     line.in_transit(), " ", line.expiring_soon(), " ",
                                     line.base_unit()));
      }
      request.set_page_token(page->next_page_token());
      // No list here is as long: pages that go round in circles end too.
    } while (!request.page_token().empty() && lines.size() < 1000);
    return lines;
  }
};

class ProveConservationTest : public LedgerTest {
 protected:
  absl::StatusOr<v1::ProveConservationResponse> Prove(const std::string& item = "",
                                                      const std::string& caller = kClerk) {
    v1::ProveConservationRequest request;
    request.set_item(item);
    return server_->Call(&LedgerStub::ProveConservation, request, caller);
  }
};

// The zone that servers of tests are set to unless told otherwise.
absl::CivilDay Today() { return absl::ToCivilDay(absl::Now(), absl::UTCTimeZone()); }

TEST_F(SummarizeStockTest, FailsInTheDocumentedOrder) {
  EXPECT_EQ(Outcome(Summarize("", -1, "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Summarize("", -1, kStranger)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_THAT(ViolatedFields(Summarize("", -1, kEast)), ElementsAre("unit", "expiring_days"));
  EXPECT_THAT(ViolatedFields(Summarize("units/west", 3651, kEast)), ElementsAre("expiring_days"));
  EXPECT_EQ(Outcome(Summarize("units/west", 1, kEast)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Summarize("units/ghost", 1, kEast)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Summarize("units/station", 3650, kEast)), "OK");
}

TEST_F(SummarizeStockTest, SumsEachUnitItemByItem) {
  MakeLocation("units/station", "post");
  MustPost(AReceipt(100));
  MustPost(AReceipt(20, kShelf, kOtherMasks));
  MustPost(APosting(v1::HOLD, {ALine(kMasks, kDepot, v1::AVAILABLE, v1::QUARANTINE, 30)}));
  MustPost(AConsumption(5));
  MustPost(AReceipt(900, kCabinet, kAlcohol));
  MustPost(AReceipt(7, "units/station/locations/post"));
  MustPost(AReceipt(8, kRoom));
  MustPost(AConsumption(8, kRoom));

  EXPECT_THAT(Lines("units/city"), ElementsAre("units/east items/alcohol 900 0 0 0 0 gram",
                                               "units/east items/mask 85 0 30 0 0 piece",
                                               "units/station items/mask 7 0 0 0 0 piece"));
  EXPECT_THAT(Lines("units/station"), ElementsAre("units/station items/mask 7 0 0 0 0 piece"));
  EXPECT_THAT(Lines("units/west"), IsEmpty());
  EXPECT_NEAR(Summarize("units/city")->read_time().seconds(), absl::ToUnixSeconds(absl::Now()), 60);
}

TEST_F(SummarizeStockTest, PagesToTheEndWithoutGapOrRepetition) {
  const std::string post = MakeLocation("units/station", "post").name();
  ASSERT_EQ(Outcome(CreateLot(ACreateLot("items/vaccine", "v1", "units/east", "2099-12-31"))),
            "OK");
  for (const std::string& place : {std::string(kDepot), post}) {
    MustPost(AReceipt(4, place));
    MustPost(AReceipt(5, place, "items/vaccine/lots/v1"));
  }
  MustPost(AReceipt(900, kCabinet, kAlcohol));
  MustPost(AReceipt(6, kRoom));
  const std::vector<std::string> all = Lines("units/city");
  ASSERT_EQ(all.size(), 6u);

  for (const int page_size : {1, 2, 3, 4, 5, 6, 7, INT32_MAX}) {
    EXPECT_EQ(Lines("units/city", page_size), all) << page_size;
  }
}

TEST_F(SummarizeStockTest, ATokenIsForItsOwnSums) {
  MustPost(AReceipt(1));
  MustPost(AReceipt(1, kRoom));
  v1::SummarizeStockRequest request;
  request.set_unit("units/city");
  request.set_page_size(1);
  const auto ask = [this](const v1::SummarizeStockRequest& asked) {
    return server_->Call(&LedgerStub::SummarizeStock, asked, kClerk);
  };
  request.set_page_token(ask(request)->next_page_token());
  ASSERT_EQ(Outcome(ask(request)), "OK");

  v1::SummarizeStockRequest changed = request;
  changed.set_unit("units/east");
  EXPECT_THAT(ViolatedFields(ask(changed)), ElementsAre("page_token"));
  changed = request;
  changed.set_expiring_days(7);
  EXPECT_THAT(ViolatedFields(ask(changed)), ElementsAre("page_token"));
  changed = request;
  changed.set_page_token(MakeToken(request, "units/EAST items/"));
  EXPECT_THAT(ViolatedFields(ask(changed)), ElementsAre("page_token", "page_token"));
  changed.set_page_size(-1);
  changed.set_page_token("x");
  EXPECT_THAT(ViolatedFields(ask(changed)), ElementsAre("page_size", "page_token"));
}

// Goal: no page is longer than what callers take unless they are told to take more.
// Method: the largest page, of the longest names and the largest numbers that there are.
TEST_F(SummarizeStockTest, ItsLargestPageIsOneMessage) {
  v1::SummarizeStockResponse page;
  for (int i = 0; i < 10'000; ++i) {
    v1::StockLine& line = *page.add_lines();
    line.set_unit("units/" + std::string(63, 'u'));
    line.set_item("items/" + std::string(63, 'i'));
    for (const auto set : {&v1::StockLine::set_available, &v1::StockLine::set_reserved,
                           &v1::StockLine::set_quarantine, &v1::StockLine::set_in_transit,
                           &v1::StockLine::set_expiring_soon}) {
      (line.*set)(INT64_MAX);
    }
    line.set_base_unit(std::string(32, 'b'));
  }
  EXPECT_LT(page.ByteSizeLong(), 5 << 19);
}

// Goal: no unit is lost, or counted twice, where one statement ends and the next begins.
// Method: more units than two statements take, of which every tenth has goods; each amount is its
// own, so that a line tells whose it is.
TEST_F(SummarizeStockTest, SumsAsManyUnitsAsThereAre) {
  std::vector<std::string> expected;
  for (int i = 1000; i < 1210; ++i) {
    const std::string unit = MakeUnit(absl::StrCat("point-", i), "units/west").name();
    if (i % 10 != 9 && i % 10 != 0) continue;
    MakeLocation(unit, "post");
    MustPost(AReceipt(i, absl::StrCat(unit, "/locations/post")));
    expected.push_back(absl::StrCat(unit, " items/mask ", i, " 0 0 0 0 piece"));
  }
  EXPECT_EQ(Lines("units/west"), expected);
}

// Goal: what expires within N days is what has its last day of use on one of N days, today being
// the first; what has expired counts, what is held back does not.
// Method: one lot a day around the bounds, each with its own power of two, so that a sum tells
// which lots are in it.
TEST_F(SummarizeStockTest, CountsWhatExpiresSoonDayByDay) {
  // The day must not end while it is counted.
  ASSERT_TRUE(WaitUntil(absl::Now() + absl::Seconds(70), [] {
    return absl::ToCivilDay(absl::Now() + absl::Seconds(60), absl::UTCTimeZone()) == Today();
  }));
  const absl::CivilDay today = Today();
  const int kOffsets[] = {-400, -1, 0, 1, 28, 29, 30, 31, 3649, 3650};
  int64_t amount = 1;
  for (const int offset : kOffsets) {
    const std::string id = absl::StrCat("day", offset < 0 ? "-minus" : "-", std::abs(offset));
    ASSERT_EQ(Outcome(CreateLot(ACreateLot("items/vaccine", id, "units/east",
                                           absl::FormatCivilTime(today + offset)))),
              "OK");
    MustPost(AReceipt(amount, kDepot, "items/vaccine/lots/" + id));
    amount *= 2;
  }
  MustPost(AReceipt(1 << 20));  // Does not expire.
  ASSERT_EQ(Outcome(CreateLot(
                ACreateLot("items/vaccine", "held", "units/east", absl::FormatCivilTime(today)))),
            "OK");
  MustPost(APosting(v1::RECEIVE, {ALine("items/vaccine/lots/held", kDepot, v1::SUPPLIER,
                                        v1::QUARANTINE, 1 << 21)}));
  const auto expiring = [&](int days) -> int64_t {
    int64_t sum = 0;
    const auto summary = Summarize("units/east", days);
    for (const v1::StockLine& line : summary->lines()) sum += line.expiring_soon();
    return sum;
  };
  const int64_t sums[] = {expiring(1), expiring(2),  expiring(29),  expiring(30),
                          expiring(0), expiring(31), expiring(3650)};
  EXPECT_THAT(sums, ElementsAre(7, 15, 31, 63, 63, 127, 511));
}

// Goal: the last day of use ends where the goods are.
// Method: two servers in zones so far apart that it is never the same day in both.
TEST_F(SummarizeStockTest, CutsDaysInItsTimeZone) {
  const absl::TimeZone west = absl::FixedTimeZone(-12 * 3600);
  const absl::TimeZone east = absl::FixedTimeZone(14 * 3600);
  ASSERT_TRUE(WaitUntil(absl::Now() + absl::Seconds(70), [&] {
    return absl::ToCivilDay(absl::Now() + absl::Seconds(60), east) ==
           absl::ToCivilDay(absl::Now(), east);
  }));
  const absl::CivilDay eastern = absl::ToCivilDay(absl::Now(), east);
  ASSERT_EQ(Outcome(CreateLot(ACreateLot("items/vaccine", "eastern", "units/east",
                                         absl::FormatCivilTime(eastern)))),
            "OK");
  MustPost(AReceipt(5, kDepot, "items/vaccine/lots/eastern"));
  const auto expiring_today = [&](const absl::TimeZone& zone) -> int64_t {
    const auto server = InventoryServer::Start(database_, {.inventory = {.time_zone = zone}});
    server->authenticator().Grant(kClerk, "units/city", {"ledger.read"});
    v1::SummarizeStockRequest request;
    request.set_unit("units/east");
    request.set_expiring_days(1);
    const auto summary = server->Call(&LedgerStub::SummarizeStock, request, kClerk);
    EXPECT_TRUE(summary.ok()) << summary.status();
    return summary.ok() ? summary->lines(0).expiring_soon() : -1;
  };

  EXPECT_EQ(expiring_today(east), 5);
  EXPECT_EQ(expiring_today(west), 0);
}

// Goal: amounts that no sum of 64 bits holds are shown as the most there is, and end nothing.
TEST_F(SummarizeStockTest, ShowsTheMostThereIsOfSumsThatOverflow) {
  const std::string one = MustPost(AReceipt(INT64_MAX));
  const std::string two = MustPost(AReceipt(INT64_MAX, kDepot, kOtherMasks));

  const auto summary = Summarize("units/east");
  v1::ProveConservationRequest prove;
  const auto proof = server_->Call(&LedgerStub::ProveConservation, prove, kClerk);

  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->lines(0).available(), INT64_MAX);
  ASSERT_TRUE(proof.ok()) << proof.status();
  EXPECT_EQ(proof->proofs(0).inside_quantity(), INT64_MAX);
  EXPECT_EQ(proof->proofs(0).outside_quantity(), INT64_MIN);
  EXPECT_EQ(proof->proofs(0).difference(), 0);
  EXPECT_TRUE(proof->is_conserved());
  ASSERT_EQ(Outcome(Reverse(AReversal(one))), "OK");
  ASSERT_EQ(Outcome(Reverse(AReversal(two))), "OK");
}

TEST_F(ProveConservationTest, FailsInTheDocumentedOrder) {
  EXPECT_EQ(Outcome(Prove("mask", "")), "UNAUTHENTICATED CREDENTIALS_INVALID");
  EXPECT_EQ(Outcome(Prove("mask", kEast)), "PERMISSION_DENIED PERMISSION_DENIED");
  server_->authenticator().Grant(kEast, "units/east", {"ledger.prove"});
  EXPECT_THAT(ViolatedFields(Prove("mask", kEast)), ElementsAre("item"));
  // The sums are of the whole tree: a grant on a part of it does not do, nor does it tell what
  // there is.
  EXPECT_EQ(Outcome(Prove("items/ghost", kEast)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Prove("items/mask", kEast)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Prove("", kEast)), "PERMISSION_DENIED PERMISSION_DENIED");
  EXPECT_EQ(Outcome(Prove("items/ghost")), "NOT_FOUND ITEM_NOT_FOUND");
  EXPECT_EQ(Outcome(Prove("items/mask")), "OK");
}

TEST_F(ProveConservationTest, SumsInsideAndOutside) {
  MustPost(AReceipt(100));
  MustPost(AConsumption(30));
  MustPost(APosting(v1::RECEIVE, {ALine(kOtherMasks, kRoom, v1::DONOR, v1::QUARANTINE, 9)}));
  MustPost(AReceipt(900, kCabinet, kAlcohol));

  const auto all = Prove();
  const auto masks = Prove("items/mask");
  const auto vaccine = Prove("items/vaccine");

  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_EQ(all->proofs_size(), 2);
  EXPECT_EQ(all->proofs(0).item(), "items/alcohol");
  EXPECT_EQ(all->proofs(0).inside_quantity(), 900);
  EXPECT_EQ(all->proofs(0).outside_quantity(), -900);
  const v1::ConservationProof& proof = all->proofs(1);
  EXPECT_EQ(proof.item(), "items/mask");
  // 70 at the depot and 9 in the room; 130 - 100 and 9 on the other side.
  EXPECT_EQ(proof.inside_quantity(), 79);
  EXPECT_EQ(proof.outside_quantity(), -79);
  EXPECT_EQ(proof.difference(), 0);
  EXPECT_EQ(proof.balance_count(), 5);
  EXPECT_EQ(proof.negative_count(), 0);
  EXPECT_TRUE(all->is_conserved());
  ASSERT_EQ(masks->proofs_size(), 1);
  EXPECT_EQ(masks->proofs(0).SerializeAsString(), proof.SerializeAsString());
  EXPECT_EQ(vaccine->proofs_size(), 0);
  EXPECT_TRUE(vaccine->is_conserved());
}

// Goal: books that were tampered with are not called whole.
TEST_F(ProveConservationTest, SeesWhatVanished) {
  MustPost(AReceipt(100));
  auto lease = database_.pool().Acquire(absl::Now() + absl::Seconds(10));
  ASSERT_TRUE(lease.ok()) << lease.status();
  const std::string tamper = "UPDATE balances SET quantity = quantity - ? WHERE state = 1";
  ASSERT_TRUE((*lease)->Execute(tamper, {int64_t{1}}).ok());

  const auto proof = Prove();

  ASSERT_TRUE((*lease)->Execute(tamper, {int64_t{-1}}).ok());
  ASSERT_TRUE(proof.ok()) << proof.status();
  EXPECT_FALSE(proof->is_conserved());
  EXPECT_EQ(proof->proofs(0).difference(), -1);
  EXPECT_TRUE(Prove()->is_conserved());
}

// Goal: one good and one bad call are counted and told to the log, each once, with what an operator
// asks for.
TEST_F(ProveConservationTest, CallsAreCountedAndLogged) {
  const std::string file = absl::StrCat(::testing::TempDir(), "/ledger_log_", getpid());
  ASSERT_TRUE(
      log::Start({.service = "inventory-svc", .file = file, .is_asynchronous = false}).ok());

  MustPost(AReceipt(5), kEast);
  ASSERT_EQ(Outcome(Post(AConsumption(6), kEast)), "FAILED_PRECONDITION INSUFFICIENT_STOCK");
  ASSERT_TRUE(log::Start({.service = "inventory-svc", .level = log::Level::kWarning}).ok());

  const std::string metrics = server_->metrics().Render();
  const std::string method = "quartermaster.inventory.v1.Ledger/PostMovement";
  EXPECT_THAT(metrics, HasSubstr(absl::StrCat("qm_inventory_rpc_calls_total{code=\"OK\",method=\"",
                                              method, "\"} 1")));
  EXPECT_THAT(metrics, HasSubstr(absl::StrCat(
                           "qm_inventory_rpc_calls_total{code=\"FAILED_PRECONDITION\",method=\"",
                           method, "\"} 1")));
  std::vector<nlohmann::json> calls;
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    nlohmann::json json = nlohmann::json::parse(line);
    if (json["message"] == "call") calls.push_back(std::move(json));
  }
  std::remove(file.c_str());
  ASSERT_EQ(calls.size(), 2u);
  for (const nlohmann::json& call : calls) {
    EXPECT_EQ(call["service"], "inventory-svc");
    EXPECT_EQ(call["method"], method);
    EXPECT_EQ(call["caller"], kEast);
    EXPECT_EQ(call["trace_id"].get<std::string>().size(), 32u);
  }
  EXPECT_EQ(calls[0]["code"], "OK");
  EXPECT_EQ(calls[0]["reason"], "");
  EXPECT_EQ(calls[1]["code"], "FAILED_PRECONDITION");
  EXPECT_EQ(calls[1]["reason"], "INSUFFICIENT_STOCK");
}

}  // namespace
}  // namespace quartermaster::testing
