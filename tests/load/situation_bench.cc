#include "tests/load/situation_bench.h"

#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/status_macros.h"
#include "quartermaster/gateway/v1/overview.grpc.pb.h"
#include "quartermaster/inventory/v1/ledger.grpc.pb.h"
#include "tests/harness/stack.h"
#include "tests/load/backlog.h"
#include "tests/load/callers.h"
#include "tests/load/probes.h"
#include "tests/load/world.h"

namespace quartermaster::load {
namespace {

using gateway::v1::Overview;
using inventory::v1::Ledger;

constexpr WorldSize kSize = {
    .unit_count = 40, .locations_per_unit = 1, .item_count = 200, .lots_per_item = 1};
constexpr int64_t kMovementCount = 100'000;

// Enough that the odd slow answer does not move the middle one.
constexpr int kCallsPerRepetition = 60;
constexpr int kWarmUpCalls = 20;

// A call and how many lines its answer has.
using Ask = std::function<grpc::Status(grpc::ClientContext&, int64_t& line_count)>;

// One that is asked again and again, and what was seen of it since the last repetition.
struct Asked {
  Probe probe;
  Ask ask;
  std::vector<double> latencies_ms = {};
  int64_t error_count = 0;
  std::string first_error = {};
};

// Asks once. An answer that does not tell of all units and items is an error.
void AskOnce(Asked& asked) {
  const absl::Time start = absl::Now();
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(start + absl::Seconds(10)));
  int64_t line_count = 0;
  const grpc::Status status = asked.ask(context, line_count);
  if (status.ok() && line_count == kSize.unit_count * kSize.item_count) {
    asked.latencies_ms.push_back(absl::ToDoubleMilliseconds(absl::Now() - start));
    return;
  }
  ++asked.error_count;
  if (asked.first_error.empty()) {
    asked.first_error = absl::StrCat(line_count, " lines; ", status.error_message());
  }
}

// Takes what was seen, and begins anew.
RunResult TakeResult(Asked& asked) {
  double sum_ms = 0;
  for (const double latency_ms : asked.latencies_ms) sum_ms += latency_ms;
  return Summarize(std::exchange(asked.latencies_ms, {}), std::exchange(asked.error_count, 0),
                   std::exchange(asked.first_error, {}), absl::Milliseconds(sum_ms));
}

// Call by call in turn, each first as often as last, so that whatever else the machine does meets
// both alike.
void AskInTurn(int count, Asked& one, Asked& other) {
  for (int i = 0; i < count; ++i) {
    AskOnce(i % 2 == 0 ? one : other);
    AskOnce(i % 2 == 0 ? other : one);
  }
}

}  // namespace

absl::Status MeasureSituation(int repetition_count) {
  QM_ASSIGN_OR_RETURN(const auto stack, testing::Stack::Start({.database_flags = DatabaseFlags(),
                                                               .systems_json = SystemsJson()}));
  const auto inventory = stack->ConnectToInventory("province-demo");
  QM_RETURN_IF_ERROR(MakeWorld(inventory, kSize));
  QM_RETURN_IF_ERROR(PostHistory(inventory, kMovementCount, SpreadPostings(kSize)));
  QM_ASSIGN_OR_RETURN(Backlog backlog, Backlog::Of(stack->database()));
  QM_RETURN_IF_ERROR(backlog.AwaitNone());
  QM_ASSIGN_OR_RETURN(const std::string token, stack->MakeToken("bench", PersonGrants()));
  const auto overview = Overview::NewStub(stack->ConnectToGateway());
  const auto ledger = Ledger::NewStub(inventory);
  Asked whole = {.probe = {.name = "Overview.GetSituation, 1"},
                 .ask = [&](grpc::ClientContext& context, int64_t& line_count) {
                   context.AddMetadata("authorization", absl::StrCat("Bearer ", token));
                   gateway::v1::GetSituationRequest request;
                   request.set_unit(kRoot);
                   gateway::v1::Situation situation;
                   const grpc::Status status =
                       overview->GetSituation(&context, request, &situation);
                   line_count = situation.stock_size();
                   return status;
                 }};
  Asked part = {.probe = {.name = "Ledger.SummarizeStock, 1"},
                .ask = [&](grpc::ClientContext& context, int64_t& line_count) {
                  inventory::v1::SummarizeStockRequest request;
                  request.set_unit(kRoot);
                  inventory::v1::SummarizeStockResponse stock;
                  const grpc::Status status = ledger->SummarizeStock(&context, request, &stock);
                  line_count = stock.lines_size();
                  return status;
                }};
  AskInTurn(kWarmUpCalls, whole, part);
  for (Asked* asked : {&whole, &part}) TakeResult(*asked);
  for (int i = 0; i < repetition_count; ++i) {
    std::cerr << "repetition " << i + 1 << " of " << repetition_count << ": situation\n";
    AskInTurn(kCallsPerRepetition, whole, part);
    for (Asked* asked : {&whole, &part}) asked->probe.results.push_back(TakeResult(*asked));
  }
  std::cout << "| 40 units, 200 items, 100,000 movements; callers | answers/s | p50 ms | p99 ms | "
               "errors |\n|---|---|---|---|---|\n";
  for (const Asked* asked : {&whole, &part}) {
    const std::string error = PrintProbe(asked->probe);
    if (!error.empty()) return absl::InternalError(error);
  }
  std::cout << "\n| ratio | median | worst quarter | goal | |\n|---|---|---|---|---|\n";
  PrintGoal("Overview.GetSituation / Ledger.SummarizeStock: p50",
            RatioOf(whole.probe, part.probe, P50, true), 1.2, true);
  return absl::OkStatus();
}

}  // namespace quartermaster::load
