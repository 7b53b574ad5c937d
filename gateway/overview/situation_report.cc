#include "gateway/overview/situation_report.h"

#include <grpcpp/generic/generic_stub.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/base/mutex.h"
#include "platform/base/status_macros.h"
#include "platform/rpc/page_token.h"
#include "platform/rpc/parse.h"
#include "platform/rpc/status_codec.h"
#include "platform/status/error.h"

namespace quartermaster::gateway {
namespace {

namespace pb = inventory::v1;

constexpr char kInventory[] = "inventory";
constexpr char kSummarizeStock[] = "/quartermaster.inventory.v1.Ledger/SummarizeStock";
// A list that goes on for longer than this many pages is left where it is.
constexpr int kPagesMax = 50;
constexpr int kPageSize = 1000;
// Callers take 4 MiB as one message unless they are told to take more; what is said beside lines
// and titles is short.
constexpr size_t kTitledBytesMax = (4 << 20) - 4096;
// What stands before a title.
constexpr size_t kTagBytesMax = 4;

absl::Status CheckRequest(const v1::GetSituationRequest& request) {
  rpc::FieldErrors errors;
  rpc::ParseName("unit", "units/{unit}", request.unit(), errors);
  if (request.expiring_days() != 0) {
    rpc::ParseInt("expiring_days", request.expiring_days(), 1, 3650, errors);
  }
  rpc::ParsePageSize(request.page_size(), {}, errors);
  return errors.ToStatus();
}

// Tells whether the service answered, if not as one would like. Then its answer is ours.
bool IsAnAnswer(const absl::Status& status) {
  if (status::GetReason(status) == "NOT_SEALED_YET") return true;
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kCancelled:
      return true;
    default:
      return false;
  }
}

// What the transport says tells addresses; only what a service said for callers is repeated.
std::string WhyMissing(const absl::Status& status) {
  if (status::GetReason(status).empty()) {
    return absl::StrCat("the service does not answer (", absl::StatusCodeToString(status.code()),
                        ")");
  }
  return std::string(status.message());
}

// Asks for the stock and returns the answer as it came.
absl::StatusOr<StockAnswer> SummarizeStock(const std::shared_ptr<grpc::Channel>& channel,
                                           grpc::ClientContext& context,
                                           const pb::SummarizeStockRequest& request) {
  struct {
    base::Mutex mutex;
    base::CondVar changed;
    std::optional<grpc::Status> status ABSL_GUARDED_BY(mutex);
  } end;
  grpc::ByteBuffer bytes;
  grpc::TemplatedGenericStub<pb::SummarizeStockRequest, grpc::ByteBuffer>(channel).UnaryCall(
      &context, kSummarizeStock, grpc::StubOptions(), &request, &bytes,
      [&end](grpc::Status status) {
        base::MutexLock lock(&end.mutex);
        end.status = std::move(status);
        end.changed.SignalAll();
      });
  {
    base::MutexLock lock(&end.mutex);
    end.changed.Await(&end.mutex, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(end.mutex) {
      return end.status.has_value();
    });
    QM_RETURN_IF_ERROR(rpc::FromGrpcStatus(*end.status));
  }
  return StockAnswer::Read(bytes);
}

// The bytes of a message that has `lines` and what `rest` has.
grpc::ByteBuffer Join(std::vector<grpc::Slice> lines, const v1::Situation& rest) {
  lines.emplace_back(rest.SerializeAsString());
  return grpc::ByteBuffer(lines.data(), lines.size());
}

}  // namespace

SituationReport::SituationReport(const Options& options, rpc::Channels& inventory,
                                 const base::Clock& clock)
    : options_(options), inventory_(inventory), clock_(clock), titles_(options.titles) {}

absl::StatusOr<grpc::ByteBuffer> SituationReport::Make(const base::Call& call,
                                                       absl::string_view identity_token,
                                                       const v1::GetSituationRequest& request) {
  QM_RETURN_IF_ERROR(CheckRequest(request));
  base::Call part = call;
  part.deadline = std::min(call.deadline, clock_.Now() + options_.part_time_max);
  const Asker asker = {.call = part, .identity_token = identity_token};
  v1::Situation situation;
  QM_ASSIGN_OR_RETURN(const std::optional<StockAnswer> stock,
                      AskForStock(asker, request, situation));
  if (stock.has_value()) AddTitles(asker, request.unit(), *stock, situation);
  *situation.mutable_read_time() = rpc::RenderTimestamp(clock_.Now());
  return Join(stock.has_value() ? stock->lines() : std::vector<grpc::Slice>(), situation);
}

absl::StatusOr<std::optional<StockAnswer>> SituationReport::AskForStock(
    const Asker& asker, const v1::GetSituationRequest& request, v1::Situation& situation) {
  pb::SummarizeStockRequest ask;
  ask.set_unit(request.unit());
  ask.set_expiring_days(request.expiring_days());
  if (request.has_as_of()) *ask.mutable_as_of() = request.as_of();
  ask.set_page_size(request.page_size());
  ask.set_page_token(request.page_token());
  grpc::ClientContext context;
  rpc::PrepareContext(asker.call, asker.identity_token, clock_.Now(), context);
  absl::StatusOr<StockAnswer> answer = SummarizeStock(inventory_.Next(), context, ask);
  if (answer.ok()) {
    stock_.Succeeded();
    if (answer->rest().has_sealed_moment()) {
      *situation.mutable_sealed_moment() = answer->rest().sealed_moment();
    }
    situation.set_next_page_token(answer->rest().next_page_token());
    return *std::move(answer);
  }
  if (IsAnAnswer(answer.status())) return answer.status();
  AddMissing("stock", answer.status(), stock_.Failed(clock_.Now()), situation);
  return std::nullopt;
}

void SituationReport::AddTitles(const Asker& asker, const std::string& root,
                                const StockAnswer& stock, v1::Situation& situation) {
  const std::vector<std::string>& names = stock.names();
  std::vector<Titles::Found> found;
  if (!titles_.Find(names, clock_.Now(), found)) {
    const absl::Status learned = LearnTitles(asker, root);
    titles_.Find(names, clock_.Now(), found);
    if (learned.ok()) {
      names_.Succeeded();
    } else if (const absl::Time since = names_.Failed(clock_.Now()); found.size() < names.size()) {
      AddMissing("titles", learned, since, situation);
    }
  }
  size_t bytes = situation.ByteSizeLong();
  for (const grpc::Slice& lines : stock.lines()) bytes += lines.size();
  for (Titles::Found& title : found) {
    v1::NamedTitle& named = *situation.add_titles();
    named.set_name(std::move(title.name));
    *named.mutable_title() = std::move(title.title);
    bytes += named.ByteSizeLong() + kTagBytesMax;
    if (bytes > kTitledBytesMax) return situation.mutable_titles()->RemoveLast();
  }
}

absl::Status SituationReport::LearnTitles(const Asker& asker, const std::string& root) {
  const auto units = pb::Units::NewStub(inventory_.Next());
  pb::ListUnitsRequest ask_units;
  ask_units.set_root(root);
  ask_units.set_page_size(kPageSize);
  for (int page = 0; page < kPagesMax; ++page) {
    pb::ListUnitsResponse answer;
    grpc::ClientContext context;
    rpc::PrepareContext(asker.call, asker.identity_token, clock_.Now(), context);
    QM_RETURN_IF_ERROR(rpc::FromGrpcStatus(units->ListUnits(&context, ask_units, &answer)));
    for (const pb::Unit& unit : answer.units()) {
      titles_.Remember(unit.name(), unit.title(), clock_.Now());
    }
    if (answer.next_page_token().empty()) break;
    ask_units.set_page_token(answer.next_page_token());
  }
  const auto catalog = pb::Catalog::NewStub(inventory_.Next());
  pb::ListItemsRequest ask_items;
  ask_items.set_page_size(kPageSize);
  for (int page = 0; page < kPagesMax; ++page) {
    pb::ListItemsResponse answer;
    grpc::ClientContext context;
    rpc::PrepareContext(asker.call, asker.identity_token, clock_.Now(), context);
    QM_RETURN_IF_ERROR(rpc::FromGrpcStatus(catalog->ListItems(&context, ask_items, &answer)));
    for (const pb::Item& item : answer.items()) {
      titles_.Remember(item.name(), item.title(), clock_.Now());
    }
    if (answer.next_page_token().empty()) break;
    ask_items.set_page_token(answer.next_page_token());
  }
  return absl::OkStatus();
}

void SituationReport::AddMissing(absl::string_view part, const absl::Status& why, absl::Time since,
                                 v1::Situation& situation) const {
  v1::MissingPart& missing = *situation.add_missing_parts();
  missing.set_part(std::string(part));
  missing.set_service(kInventory);
  *missing.mutable_since_time() = rpc::RenderTimestamp(since);
  missing.set_message(WhyMissing(why));
}

}  // namespace quartermaster::gateway
