#include "qmctl/import/fake_books.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "platform/rpc/status_codec.h"
#include "platform/status/error.h"

namespace quartermaster::qmctl {
namespace {

void SetTime(absl::Time time, google::protobuf::Timestamp& timestamp) {
  timestamp.set_seconds(absl::ToUnixSeconds(time));
}

google::rpc::Status ToRpcStatus(const absl::Status& error) {
  google::rpc::Status status;
  status.ParseFromString(rpc::ToGrpcStatus(error, "").error_details());
  return status;
}

}  // namespace

absl::Status FakeBooks::FakeClient::Call(absl::string_view method,
                                         const google::protobuf::Message& request,
                                         google::protobuf::Message& response) const {
  return books_.Call(caller_, method, request, response);
}

absl::Status FakeBooks::Call(const std::string& caller, absl::string_view method,
                             const google::protobuf::Message& request,
                             google::protobuf::Message& response) {
  const base::MutexLock lock(&mutex_);
  if (!outage.ok()) return outage;
  if (absl::EndsWith(method, "/SummarizeStock")) {
    SetTime(now, *dynamic_cast<pb::SummarizeStockResponse&>(response).mutable_read_time());
    return absl::OkStatus();
  }
  if (absl::EndsWith(method, "/BatchPostMovements")) {
    auto& results = dynamic_cast<pb::BatchPostMovementsResponse&>(response);
    now += absl::Seconds(1);
    batches.emplace_back();
    for (const auto& each :
         dynamic_cast<const pb::BatchPostMovementsRequest&>(request).requests()) {
      batches.back().push_back(each.request_id());
      *results.add_results() = Post(caller, each);
    }
    return absl::OkStatus();
  }
  if (absl::EndsWith(method, "/GetMovement")) {
    const auto& name = dynamic_cast<const pb::GetMovementRequest&>(request).name();
    for (const auto& [paper, movement] : papers_) {
      if (movement.name() == name) response.CopyFrom(movement);
    }
    return absl::OkStatus();
  }
  auto& transfer = dynamic_cast<pb::Transfer&>(response);
  if (absl::EndsWith(method, "/GetTransfer")) {
    const auto& name = dynamic_cast<const pb::GetTransferRequest&>(request).name();
    const auto found = std::ranges::find(transfers, name, &pb::Transfer::name);
    if (found == transfers.end()) return absl::NotFoundError(name);
    transfer = *found;
    return absl::OkStatus();
  }
  if (absl::EndsWith(method, "/CreateTransfer")) {
    return Create(dynamic_cast<const pb::CreateTransferRequest&>(request), transfer);
  }
  if (absl::EndsWith(method, "/DispatchTransfer")) {
    const auto& dispatch = dynamic_cast<const pb::DispatchTransferRequest&>(request);
    dispatches.push_back(dispatch);
    return Step(caller, dispatch.name(), dispatch.etag(), pb::DRAFT, pb::ON_THE_WAY,
                dispatch.waybill(), transfer);
  }
  receipts.push_back(dynamic_cast<const pb::ConfirmTransferReceiptRequest&>(request));
  return Step(caller, receipts.back().name(), receipts.back().etag(), pb::ON_THE_WAY, pb::CLOSED,
              "", transfer);
}

pb::PostMovementResult FakeBooks::Post(const std::string& caller,
                                       const pb::PostMovementRequest& request) {
  pb::PostMovementResult result;
  absl::Status scripted;
  if (!next_results.empty()) {
    scripted = next_results.front();
    next_results.erase(next_results.begin());
  }
  const auto key = std::pair(caller, request.request_id());
  const std::string paper = request.source_document().SerializeAsString();
  if (!scripted.ok()) {
    *result.mutable_error() = ToRpcStatus(scripted);
  } else if (const auto earlier = requests_.find(key); earlier != requests_.end()) {
    *result.mutable_movement() = earlier->second;
  } else if (const auto posted = papers_.find(paper); posted != papers_.end()) {
    *result.mutable_error() = ToRpcStatus(status::MakeError(
        absl::StatusCode::kAlreadyExists, "the paper is in the books",
        {.reason = "SOURCE_DOCUMENT_POSTED", .metadata = {{"movement", posted->second.name()}}}));
  } else {
    pb::Movement& movement = *result.mutable_movement();
    movement.set_name(absl::StrCat("movements/", papers_.size()));
    movement.set_reason(request.reason());
    *movement.mutable_lines() = request.lines();
    *movement.mutable_source_document() = request.source_document();
    *movement.mutable_occurred_time() = request.occurred_time();
    movement.set_caller(caller);
    SetTime(now, *movement.mutable_record_time());
    requests_[key] = movement;
    papers_[paper] = movement;
    posted_lots.push_back(request.lines(0).lot());
  }
  return result;
}

absl::Status FakeBooks::Create(const pb::CreateTransferRequest& request, pb::Transfer& transfer) {
  const std::string paper = request.source_document().SerializeAsString();
  for (const pb::Transfer& other : transfers) {
    if (other.state() == pb::CANCELLED || other.source_document().SerializeAsString() != paper) {
      continue;
    }
    return status::MakeError(
        absl::StatusCode::kAlreadyExists, "the paper is there",
        {.reason = "SOURCE_DOCUMENT_POSTED", .metadata = {{"transfer", other.name()}}});
  }
  *transfer.mutable_source_document() = request.source_document();
  transfer.set_name(absl::StrCat("transfers/", transfers.size()));
  transfer.set_source(request.source());
  transfer.set_destination(request.destination());
  *transfer.mutable_lines() = request.lines();
  for (pb::TransferLine& line : *transfer.mutable_lines()) {
    line.set_base_quantity(line.quantity().amount() * factor);
  }
  transfer.set_state(pb::DRAFT);
  transfer.set_etag("1");
  transfers.push_back(transfer);
  return absl::OkStatus();
}

absl::Status FakeBooks::Step(const std::string& caller, const std::string& name,
                             const std::string& etag, pb::TransferState from, pb::TransferState to,
                             const std::string& waybill, pb::Transfer& transfer) {
  const auto found = std::ranges::find(transfers, name, &pb::Transfer::name);
  if (found == transfers.end()) return absl::NotFoundError(name);
  if (found->etag() != etag) return status::EtagMismatch(name);
  if (found->state() != from) return absl::FailedPreconditionError("STATE_NOT_ALLOWED");
  if (found->dispatcher() == caller) return absl::FailedPreconditionError("FOUR_EYES_REQUIRED");
  found->set_state(to);
  found->set_etag(etag + "+");
  if (!waybill.empty()) found->set_waybill(waybill);
  if (to == pb::ON_THE_WAY) found->set_dispatcher(caller);
  transfer = *found;
  return absl::OkStatus();
}

}  // namespace quartermaster::qmctl
