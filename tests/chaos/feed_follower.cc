#include "tests/chaos/feed_follower.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/records/record_codec.h"
#include "tests/harness/process.h"

namespace quartermaster::testing {
namespace {

// A server that stands still says nothing; streams are so short that this is soon found out.
constexpr absl::Duration kStreamMax = absl::Seconds(2);

}  // namespace

FeedFollower::FeedFollower(std::vector<std::shared_ptr<grpc::Channel>> servers)
    : servers_(std::move(servers)), record_time_(absl::Now()), thread_([this] { Follow(); }) {}

FeedFollower::~FeedFollower() {
  stop_ = true;
  thread_.join();
}

std::vector<std::string> FeedFollower::resources() const {
  base::MutexLock lock(&mutex_);
  return resources_;
}

std::vector<std::string> FeedFollower::misfits() const {
  base::MutexLock lock(&mutex_);
  return misfits_;
}

absl::Duration FeedFollower::TakeLongestWait() {
  base::MutexLock lock(&mutex_);
  return std::exchange(longest_wait_, absl::ZeroDuration());
}

void FeedFollower::Follow() {
  for (size_t at = 0; !stop_; at = (at + 1) % servers_.size()) {
    inventory::v1::Records::Stub records(servers_[at]);
    ReadStream(records);
    ++resume_count_;
    WaitUntil(absl::Now() + absl::Milliseconds(20), [] { return false; });
  }
}

void FeedFollower::ReadStream(inventory::v1::Records::Stub& records) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kStreamMax));
  inventory::v1::WatchRequest request;
  request.set_after_sequence(resume_after_);
  const auto reader = records.Watch(&context, request);
  type::v1::RecordBatch batch;
  while (!stop_ && reader->Read(&batch)) TakeIn(batch);
  context.TryCancel();
  const grpc::Status status = reader->Finish();
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return;
    default:
      base::MutexLock lock(&mutex_);
      misfits_.push_back(absl::StrCat("the stream ended: ", status.error_message()));
  }
}

void FeedFollower::TakeIn(const type::v1::RecordBatch& batch) {
  base::MutexLock lock(&mutex_);
  const auto note = [this](const std::optional<records::ChainCheck::Misfit>& misfit)
                        ABSL_NO_THREAD_SAFETY_ANALYSIS {
                          if (misfit.has_value())
                            misfits_.push_back(absl::StrCat(misfit->sequence, ": ", misfit->what));
                        };
  auto block = batch.blocks().begin();
  const auto take_blocks_before = [&](int64_t sequence) {
    for (; block != batch.blocks().end() && block->last_sequence() < sequence; ++block) {
      note(check_.Add(records::ParseBlock(*block).value_or(records::Block())));
    }
  };
  for (const type::v1::Record& record : batch.records()) {
    take_blocks_before(record.sequence());
    if (record.sequence() != last_sequence_ + 1) {
      misfits_.push_back(absl::StrCat(record.sequence(), " came after ", last_sequence_.load()));
    }
    note(check_.Add(records::ParseRecord(record).value_or(records::SealedRecord()),
                    records::ParseDigest(record.hash())));
    last_sequence_ = record.sequence();
    resources_.push_back(record.resource());
  }
  take_blocks_before(batch.sequence() + 1);
  resume_after_ = batch.sequence();
  if (batch.records_size() == 0) return;
  const absl::Time now = absl::Now();
  longest_wait_ = std::max(longest_wait_, now - record_time_);
  record_time_ = now;
}

}  // namespace quartermaster::testing
