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

// A call and how many lines its answer has.
using Ask = std::function<grpc::Status(grpc::ClientContext&, int64_t& line_count)>;

// Asks again and again for a second. An answer that does not tell of all units and items is an
// error.
RunResult RunAsking(const Ask& ask) {
  const absl::Time start = absl::Now();
  std::vector<double> latencies_ms;
  int64_t error_count = 0;
  std::string first_error;
  for (absl::Time now = start; now < start + absl::Seconds(1);) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(now + absl::Seconds(10)));
    int64_t line_count = 0;
    const grpc::Status status = ask(context, line_count);
    const absl::Time end = absl::Now();
    if (status.ok() && line_count == kSize.unit_count * kSize.item_count) {
      latencies_ms.push_back(absl::ToDoubleMilliseconds(end - now));
    } else {
      ++error_count;
      if (first_error.empty())
        first_error = absl::StrCat(line_count, " lines; ", status.error_message());
    }
    now = end;
  }
  return Summarize(std::move(latencies_ms), error_count, std::move(first_error),
                   absl::Now() - start);
}

}  // namespace

absl::Status MeasureSituation(int repetition_count) {
  QM_ASSIGN_OR_RETURN(const auto stack, testing::Stack::Start({.systems_json = SystemsJson()}));
  const auto inventory = stack->ConnectToInventory("province-demo");
  QM_RETURN_IF_ERROR(MakeWorld(inventory, kSize));
  QM_RETURN_IF_ERROR(PostHistory(inventory, kMovementCount, SpreadPostings(kSize)));
  QM_ASSIGN_OR_RETURN(const std::string token, stack->MakeToken("bench", PersonGrants()));
  const auto overview = Overview::NewStub(stack->ConnectToGateway());
  const auto ledger = Ledger::NewStub(inventory);
  Probe whole = {.name = "Overview.GetSituation, 1", .run = [&] {
                   return RunAsking([&](grpc::ClientContext& context, int64_t& line_count) {
                     context.AddMetadata("authorization", absl::StrCat("Bearer ", token));
                     gateway::v1::GetSituationRequest request;
                     request.set_unit(kRoot);
                     gateway::v1::Situation situation;
                     const grpc::Status status =
                         overview->GetSituation(&context, request, &situation);
                     line_count = situation.stock_size();
                     return status;
                   });
                 }};
  Probe part = {.name = "Ledger.SummarizeStock, 1", .run = [&] {
                  return RunAsking([&](grpc::ClientContext& context, int64_t& line_count) {
                    inventory::v1::SummarizeStockRequest request;
                    request.set_unit(kRoot);
                    inventory::v1::SummarizeStockResponse stock;
                    const grpc::Status status = ledger->SummarizeStock(&context, request, &stock);
                    line_count = stock.lines_size();
                    return status;
                  });
                }};
  for (int i = 0; i < repetition_count; ++i) {
    for (Probe* probe : {&whole, &part}) {
      std::cerr << "repetition " << i + 1 << " of " << repetition_count << ": " << probe->name
                << "\n";
      probe->results.push_back(probe->run());
    }
  }
  std::cout << "| 40 units, 200 items, 100,000 movements; callers | answers/s | p50 ms | p99 ms | "
               "errors |\n|---|---|---|---|---|\n";
  for (const Probe* probe : {&whole, &part}) {
    const std::string error = PrintProbe(*probe);
    if (!error.empty()) return absl::InternalError(error);
  }
  std::cout << "\n| ratio | median | worst quarter | goal | |\n|---|---|---|---|---|\n";
  PrintGoal("Overview.GetSituation / Ledger.SummarizeStock: p50", RatioOf(whole, part, P50, true),
            1.2, true);
  return absl::OkStatus();
}

}  // namespace quartermaster::load
