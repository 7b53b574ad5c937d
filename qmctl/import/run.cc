#include "qmctl/import/run.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/mutex.h"
#include "platform/rpc/status_codec.h"
#include "platform/status/error.h"
#include "qmctl/import/differences.h"
#include "qmctl/import/parallel.h"
#include "qmctl/import/run_transfer.h"
#include "qmctl/import/transfer_matches.h"

namespace quartermaster::qmctl {
namespace {

constexpr size_t kBatchMovementsMax = 100;
// So that a batch of long movements stays well below the size of message a server takes.
constexpr int kBatchLinesMax = 1000;

// Whether running again may help, so that nothing can be said about the row itself.
bool IsBroken(const absl::Status& error) {
  return error.code() == absl::StatusCode::kUnavailable ||
         error.code() == absl::StatusCode::kDeadlineExceeded ||
         error.code() == absl::StatusCode::kUnauthenticated ||
         error.code() == absl::StatusCode::kResourceExhausted;
}

// Counts what becomes of one stage's requests. Thread-safe.
class Stage {
 public:
  Stage(std::string name, size_t count, const ImportSettings& settings, ImportReport& report)
      : name_(std::move(name)),
        count_(count),
        settings_(settings),
        report_(report),
        began_(absl::Now()) {}

  // Counts one request that was answered; returns whether the stage may go on.
  bool Count(const Origin& origin, const absl::StatusOr<bool>& has_created) {
    const base::MutexLock lock(&mutex_);
    if (!has_created.ok()) {
      if (IsBroken(has_created.status())) {
        if (report_.broken.ok()) report_.broken = has_created.status();
        return false;
      }
      report_.refusals.push_back({origin, has_created.status()});
      ++stage_.refused_count;
    } else if (*has_created) {
      ++stage_.created_count;
    } else {
      ++stage_.there_already_count;
    }
    ++done_count_;
    if (settings_.on_progress) settings_.on_progress(name_, done_count_, count_);
    return report_.broken.ok();
  }

  // Adds the stage to the report; returns whether the next may begin.
  bool Finish() {
    const base::MutexLock lock(&mutex_);
    stage_.stage = name_;
    stage_.left_out_count = count_ - done_count_;
    stage_.took = absl::Now() - began_;
    if (count_ > 0) report_.stages.push_back(stage_);
    return report_.is_complete();
  }

 private:
  const std::string name_;
  const size_t count_;
  const ImportSettings& settings_;
  ImportReport& report_;
  const absl::Time began_;
  base::Mutex mutex_;
  StageReport stage_ ABSL_GUARDED_BY(mutex_);
  size_t done_count_ ABSL_GUARDED_BY(mutex_) = 0;
};

class Import {
 public:
  Import(const Plan& plan, const Books& books, const ImportSettings& settings)
      : plan_(plan), books_(books), settings_(settings) {}

  ImportReport Run() {
    if (RunUnits() && RunLocations() && RunItems() && RunLots()) RunPapers();
    return std::move(report_);
  }

 private:
  // Creates a resource that was not in the books. When a colleague was faster, what they created
  // counts as there if it says the same.
  template <typename Resource, typename Request, typename GetRequest>
  absl::StatusOr<bool> Create(const char* create, const Request& request, const char* get,
                              const std::string& name, Resource wanted) {
    Resource resource;
    const absl::Status created = settings_.caller->Call(
        absl::StrCat("quartermaster.inventory.v1.", create), request, resource);
    if (created.ok()) return true;
    if (created.code() != absl::StatusCode::kAlreadyExists) return created;
    GetRequest get_request;
    get_request.set_name(name);
    if (!settings_.caller
             ->Call(absl::StrCat("quartermaster.inventory.v1.", get), get_request, resource)
             .ok()) {
      return created;
    }
    wanted.set_name(name);
    const std::string differences = DescribeDifferences(resource, wanted);
    if (differences.empty()) return false;
    return absl::AlreadyExistsError(absl::StrCat(name, " is there otherwise: ", differences));
  }

  bool RunUnits() {
    Stage stage("units", plan_.units.size(), settings_, report_);
    for (const auto& [origin, request] : plan_.units) {
      const std::string name = absl::StrCat("units/", request.unit_id());
      absl::StatusOr<bool> created = false;
      if (!books_.units.contains(name)) {
        created = Create<pb::Unit, pb::CreateUnitRequest, pb::GetUnitRequest>(
            "Units/CreateUnit", request, "Units/GetUnit", name, request.unit());
      }
      // Children rest on their parents.
      if (!stage.Count(origin, created) || !created.ok()) break;
    }
    return stage.Finish();
  }

  bool RunLocations() {
    Stage stage("locations", plan_.locations.size(), settings_, report_);
    RunParallel(plan_.locations.size(), settings_.in_flight, [&](size_t i) {
      const auto& [origin, request] = plan_.locations[i];
      const std::string name = absl::StrCat(request.parent(), "/locations/", request.location_id());
      if (books_.locations.contains(name)) return stage.Count(origin, false);
      return stage.Count(
          origin,
          Create<pb::Location, pb::CreateLocationRequest, pb::GetLocationRequest>(
              "Units/CreateLocation", request, "Units/GetLocation", name, request.location()));
    });
    return stage.Finish();
  }

  bool RunItems() {
    Stage stage("items", plan_.items.size(), settings_, report_);
    for (const PlannedItem& planned : plan_.items) {
      if (!stage.Count(planned.origin, RunItem(planned))) break;
    }
    return stage.Finish();
  }

  absl::StatusOr<bool> RunItem(const PlannedItem& planned) {
    const std::string name = absl::StrCat("items/", planned.request.item_id());
    const auto found = books_.items.find(name);
    bool has_changed = false;
    if (found == books_.items.end()) {
      absl::StatusOr<bool> created = Create<pb::Item, pb::CreateItemRequest, pb::GetItemRequest>(
          "Catalog/CreateItem", planned.request, "Catalog/GetItem", name, planned.request.item());
      if (!created.ok()) return created;
      has_changed = *created;
    }
    for (const pb::DeclarePackRequest& pack : planned.packs) {
      const bool is_there = found != books_.items.end() &&
                            std::ranges::any_of(found->second.packs(), [&](const pb::Pack& other) {
                              return other.pack() == pack.pack().pack() &&
                                     DescribeDifferences(other, pack.pack()).empty();
                            });
      if (is_there) continue;
      pb::Item item;
      const absl::Status declared =
          settings_.caller->Call("quartermaster.inventory.v1.Catalog/DeclarePack", pack, item);
      if (!declared.ok()) return declared;
      has_changed = true;
    }
    return has_changed;
  }

  bool RunLots() {
    Stage stage("lots", plan_.lots.size(), settings_, report_);
    RunParallel(plan_.lots.size(), settings_.in_flight, [&](size_t i) {
      const auto& [origin, request] = plan_.lots[i];
      const std::string name = absl::StrCat(request.parent(), "/lots/", request.lot_id());
      if (books_.lots.contains(name)) return stage.Count(origin, false);
      return stage.Count(origin,
                         Create<pb::Lot, pb::CreateLotRequest, pb::GetLotRequest>(
                             "Ledger/CreateLot", request, "Ledger/GetLot", name, request.lot()));
    });
    return stage.Finish();
  }

  // Movements and transfers, wave by wave.
  void RunPapers() {
    began_ = ReadServerTime();
    Stage movements("movements", plan_.movements.size(), settings_, report_);
    Stage transfers("transfers", plan_.transfers.size(), settings_, report_);
    const TransferMatches matches = MatchTransfers(plan_, books_);
    for (int wave = 0; wave < plan_.wave_count && report_.is_complete(); ++wave) {
      const std::vector<std::vector<size_t>> batches = MakeBatches(wave);
      std::vector<size_t> sendings;
      for (size_t i = 0; i < plan_.transfers.size(); ++i) {
        if (plan_.transfers[i].wave == wave) sendings.push_back(i);
      }
      RunParallel(batches.size() + sendings.size(), settings_.in_flight, [&](size_t i) {
        if (i < batches.size()) return RunBatch(batches[i], movements);
        const size_t index = sendings[i - batches.size()];
        const PlannedTransfer& planned = plan_.transfers[index];
        return transfers.Count(planned.origin, RunTransfer(planned, matches[index],
                                                           *settings_.caller, settings_.receiver));
      });
    }
    movements.Finish();
    transfers.Finish();
  }

  // What was recorded before this moment was there before the import. The server's own clock
  // decides; ours serves when it cannot be asked.
  absl::Time ReadServerTime() {
    std::vector<std::string> units;
    for (const auto& [name, unit] : books_.units) {
      if (!books_.units.contains(unit.parent())) units.push_back(name);
    }
    if (units.empty() && !plan_.units.empty()) {
      units.push_back(absl::StrCat("units/", plan_.units.front().request.unit_id()));
    }
    for (const std::string& unit : units) {
      pb::SummarizeStockRequest request;
      request.set_unit(unit);
      pb::SummarizeStockResponse response;
      const absl::Status status = settings_.caller->Call(
          "quartermaster.inventory.v1.Ledger/SummarizeStock", request, response);
      if (status.ok()) return ToTime(response.read_time());
    }
    return absl::Now();
  }

  static absl::Time ToTime(const google::protobuf::Timestamp& time) {
    return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
  }

  std::vector<std::vector<size_t>> MakeBatches(int wave) const {
    std::vector<std::vector<size_t>> batches;
    int line_count = 0;
    for (size_t i = 0; i < plan_.movements.size(); ++i) {
      if (plan_.movements[i].wave != wave) continue;
      const int more = plan_.movements[i].request.lines_size();
      if (batches.empty() || batches.back().size() == kBatchMovementsMax ||
          line_count + more > kBatchLinesMax) {
        batches.emplace_back();
        line_count = 0;
      }
      batches.back().push_back(i);
      line_count += more;
    }
    return batches;
  }

  // Posts a batch; movements whose own outcome may still change are sent again, with the same ids.
  bool RunBatch(std::vector<size_t> pending, Stage& stage) {
    absl::BitGen random;
    for (int attempt_count = 1; !pending.empty(); ++attempt_count) {
      pb::BatchPostMovementsRequest request;
      for (const size_t i : pending) *request.add_requests() = plan_.movements[i].request;
      pb::BatchPostMovementsResponse response;
      absl::Status called = settings_.caller->Call(
          "quartermaster.inventory.v1.Ledger/BatchPostMovements", request, response);
      if (called.ok() && response.results_size() != request.requests_size()) {
        called = absl::InternalError("the server answered another number of movements than asked");
      }
      if (!called.ok()) {
        for (const size_t i : pending) {
          if (!stage.Count(plan_.movements[i].origin, called)) return false;
        }
        return true;
      }
      std::vector<size_t> again;
      absl::Duration wait = absl::ZeroDuration();
      for (size_t i = 0; i < pending.size(); ++i) {
        const PlannedMovement& planned = plan_.movements[pending[i]];
        const pb::PostMovementResult& result = response.results(static_cast<int>(i));
        const absl::Status error = ToStatus(result.error());
        const auto more =
            FindWait(error, attempt_count, absl::Uniform(random, 0.0, 1.0), settings_.retries);
        if (!error.ok() && more.has_value()) {
          again.push_back(pending[i]);
          wait = std::max(wait, *more);
        } else if (!stage.Count(planned.origin, ReadResult(planned, result, error))) {
          return false;
        }
      }
      pending = std::move(again);
      if (!pending.empty()) absl::SleepFor(wait);
    }
    return true;
  }

  static absl::Status ToStatus(const google::rpc::Status& status) {
    if (status.code() == 0) return absl::OkStatus();
    return rpc::FromGrpcStatus(grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                                            status.message(), status.SerializeAsString()));
  }

  // Tells what became of one movement of a batch. A paper that is in the books already counts as
  // there when its movement says the same.
  absl::StatusOr<bool> ReadResult(const PlannedMovement& planned,
                                  const pb::PostMovementResult& result, const absl::Status& error) {
    if (error.ok()) return ToTime(result.movement().record_time()) > began_;
    const status::ErrorDetail detail = status::GetErrorDetail(error);
    if (detail.reason != "SOURCE_DOCUMENT_POSTED") return error;
    const auto named =
        std::ranges::find(detail.metadata, "movement", &std::pair<std::string, std::string>::first);
    if (named == detail.metadata.end()) return error;
    pb::GetMovementRequest request;
    request.set_name(named->second);
    pb::Movement movement;
    const absl::Status read =
        settings_.caller->Call("quartermaster.inventory.v1.Ledger/GetMovement", request, movement);
    // It may lie where this caller cannot look: then it stays what the server said.
    if (!read.ok()) return error;
    pb::PostMovementRequest wanted = planned.request;
    wanted.clear_request_id();
    const std::string differences = DescribeDifferences(AsRequest(movement), wanted);
    if (differences.empty()) return false;
    return status::MakeError(
        absl::StatusCode::kAlreadyExists,
        absl::StrCat("the paper is in the books as ", named->second, " otherwise: ", differences,
                     "; correct the row, or reverse that movement"),
        detail);
  }

  // What a movement was asked to be, but for the request id, which the books keep to themselves.
  static pb::PostMovementRequest AsRequest(const pb::Movement& movement) {
    pb::PostMovementRequest request;
    request.set_reason(movement.reason());
    *request.mutable_lines() = movement.lines();
    *request.mutable_occurred_time() = movement.occurred_time();
    *request.mutable_source_document() = movement.source_document();
    request.set_note(movement.note());
    return request;
  }

  const Plan& plan_;
  const Books& books_;
  const ImportSettings& settings_;
  ImportReport report_;
  absl::Time began_;
};

}  // namespace

bool ImportReport::has_created() const {
  return std::ranges::any_of(stages,
                             [](const StageReport& stage) { return stage.created_count > 0; });
}

ImportReport RunImport(const Plan& plan, const Books& books, const ImportSettings& settings) {
  return Import(plan, books, settings).Run();
}

}  // namespace quartermaster::qmctl
