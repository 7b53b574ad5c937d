#include "inventory-svc/api/records_service.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "inventory-svc/api/fields.h"
#include "inventory-svc/domain/scope.h"
#include "platform/base/status_macros.h"
#include "platform/records/record_codec.h"
#include "platform/records/watch.h"
#include "platform/rpc/page_token.h"
#include "platform/rpc/parse.h"
#include "platform/status/error.h"

namespace quartermaster::inventory {
namespace {

constexpr char kWatch[] = "quartermaster.inventory.v1.Records/Watch";
constexpr char kListBlocks[] = "quartermaster.inventory.v1.Records/ListBlocks";
constexpr char kGetHead[] = "quartermaster.inventory.v1.Records/GetHead";

constexpr int kPrefixesMax = 16;
constexpr int kMethodLengthMax = 120;
constexpr int kResourceLengthMax = 160;
constexpr rpc::PageSizes kPages;

std::vector<std::string> ParsePrefixes(
    absl::string_view field, const google::protobuf::RepeatedPtrField<std::string>& prefixes,
    int length_max, rpc::FieldErrors& errors) {
  if (prefixes.size() > kPrefixesMax) {
    errors.Add(field, absl::StrCat("has ", prefixes.size(), " entries; at most ", kPrefixesMax,
                                   " are allowed"));
    return {};
  }
  std::vector<std::string> parsed;
  for (int i = 0; i < prefixes.size(); ++i) {
    parsed.push_back(rpc::ParseText(rpc::ElementPath(field, i), prefixes[i],
                                    {.length_min = 1, .length_max = length_max}, errors));
  }
  return parsed;
}

struct ParsedWatch {
  records::WatchQuery query;
  // Empty: everything that the caller may see.
  std::string unit;
};

absl::StatusOr<ParsedWatch> ParseWatch(const v1::WatchRequest& request) {
  rpc::FieldErrors errors;
  ParsedWatch watch;
  watch.query.after_sequence = rpc::ParseInt("after_sequence", request.after_sequence(), 0,
                                             std::numeric_limits<int64_t>::max(), errors);
  if (!request.unit().empty()) {
    watch.unit = rpc::ParseResourceName("unit", "units/{unit}", request.unit(), errors);
  }
  watch.query.method_prefixes =
      ParsePrefixes("method_prefixes", request.method_prefixes(), kMethodLengthMax, errors);
  watch.query.resource_prefixes =
      ParsePrefixes("resource_prefixes", request.resource_prefixes(), kResourceLengthMax, errors);
  QM_RETURN_IF_ERROR(errors.ToStatus());
  return watch;
}

// Who sees what: the units that a record touches decide, as for the resource itself.
std::function<bool(const records::Scope&, absl::Time)> MakeFilter(const UnitDirectory& units,
                                                                  const base::Caller& caller,
                                                                  const std::string& permission,
                                                                  const std::string& unit) {
  return [&units, caller, permission, unit](const records::Scope& scope, absl::Time now) {
    const std::shared_ptr<const UnitTree> tree = units.tree();
    if (scope.units.empty()) {
      if (!unit.empty()) return false;
      return scope.is_everybodys || CheckCoversRoot(caller, permission, now, *tree).ok();
    }
    return std::ranges::any_of(scope.units, [&](const std::string& touched) {
      return (unit.empty() || tree->Covers(unit, touched)) &&
             Covers(caller, permission, now, *tree, touched);
    });
  };
}

}  // namespace

grpc::ServerWriteReactor<type::v1::RecordBatch>* RecordsService::Watch(
    grpc::CallbackServerContext* context, const v1::WatchRequest* request) {
  std::unique_ptr<rpc::StreamCall> stream = serve_.AdmitStream(context, kWatch);
  const base::Caller& caller = stream->call().caller;
  records::WatchQuery query;
  const absl::Status refusal = [&]() -> absl::Status {
    QM_RETURN_IF_ERROR(stream->admitted());
    QM_ASSIGN_OR_RETURN(ParsedWatch watch, ParseWatch(*request));
    if (!watch.unit.empty()) {
      QM_RETURN_IF_ERROR(
          CheckCovers(caller, stream->permission(), clock_.Now(), *units_.tree(), watch.unit));
    }
    query = std::move(watch.query);
    query.may_see = MakeFilter(units_, caller, stream->permission(), watch.unit);
    return absl::OkStatus();
  }();
  return records::Watch(std::move(stream), context, feed_, clock_, refusal, std::move(query));
}

grpc::ServerUnaryReactor* RecordsService::ListBlocks(grpc::CallbackServerContext* context,
                                                     const v1::ListBlocksRequest* request,
                                                     v1::ListBlocksResponse* response) {
  return serve_(context, kListBlocks, [=, this](const base::Call& call) -> absl::Status {
    rpc::FieldErrors errors;
    const int64_t after = rpc::ParseInt("after_number", request->after_number(), 0,
                                        std::numeric_limits<int64_t>::max(), errors);
    const int32_t limit = rpc::ParsePageSize(request->page_size(), kPages, errors);
    QM_RETURN_IF_ERROR(errors.ToStatus());
    QM_ASSIGN_OR_RETURN(const std::vector<records::Block> blocks,
                        feed_.ListBlocks(call.deadline, after, limit));
    for (const records::Block& block : blocks) records::RenderBlock(block, *response->add_blocks());
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* RecordsService::GetHead(grpc::CallbackServerContext* context,
                                                  const v1::GetHeadRequest*,
                                                  type::v1::RecordBlock* response) {
  return serve_(context, kGetHead, [=, this](const base::Call& call) -> absl::Status {
    QM_ASSIGN_OR_RETURN(const std::optional<records::Block> head, feed_.FindHead(call.deadline));
    if (!head.has_value()) {
      return status::MakeError(absl::StatusCode::kNotFound, "nothing is sealed yet",
                               {.reason = "BLOCK_NOT_FOUND"});
    }
    records::RenderBlock(*head, *response);
    return absl::OkStatus();
  });
}

}  // namespace quartermaster::inventory
