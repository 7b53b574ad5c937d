#include "inventory-svc/api/relay_service.h"

#include "inventory-svc/api/relay_stream.h"
#include "platform/status/error.h"

namespace quartermaster::inventory {
namespace {

constexpr absl::Duration kRetryWhenFull = absl::Seconds(1);

}  // namespace

absl::Status RelayService::Join(const std::shared_ptr<Stream>& stream) {
  base::MutexLock lock(&mutex_);
  if (is_closing_) {
    return status::MakeError(absl::StatusCode::kUnavailable,
                             "this server is shutting down; call another",
                             {.reason = "SHUTTING_DOWN"});
  }
  if (streams_.size() >= static_cast<size_t>(options_.streams_max)) {
    return status::Overloaded("too many streams of postings", kRetryWhenFull);
  }
  streams_.push_back(stream);
  return absl::OkStatus();
}

void RelayService::Leave(const Stream* stream) {
  base::MutexLock lock(&mutex_);
  std::erase_if(streams_, [&](const auto& one) { return one.get() == stream; });
}

void RelayService::Close() {
  std::vector<std::shared_ptr<Stream>> streams;
  {
    base::MutexLock lock(&mutex_);
    is_closing_ = true;
    streams = streams_;
  }
  for (const std::shared_ptr<Stream>& stream : streams) stream->Close();
}

grpc::ServerBidiReactor<internal::v1::PostForCallersRequest, internal::v1::PostForCallersResponse>*
RelayService::PostForCallers(grpc::CallbackServerContext* context) {
  const auto stream = std::make_shared<Stream>(*this, context);
  stream->Begin();
  return stream.get();
}

}  // namespace quartermaster::inventory
