#include "platform/records/watch.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "platform/records/record_codec.h"
#include "platform/status/error.h"

namespace quartermaster::records {
namespace {

// In units of the time that a batch may wait: who was told that it is too slow, and has not read
// even that, is cut off, and the memory of its batch freed.
constexpr int kCancelAfter = 4;
constexpr absl::Duration kRetryWhenFull = absl::Seconds(1);

bool BeginsWithOne(const std::string& text, const std::vector<std::string>& prefixes) {
  return prefixes.empty() || std::ranges::any_of(prefixes, [&](const std::string& prefix) {
           return absl::StartsWith(text, prefix);
         });
}

absl::Status TooSlow(int64_t sequence) {
  return status::MakeError(
      absl::StatusCode::kResourceExhausted,
      absl::StrCat("a batch was not taken in time; resume after ", sequence),
      {.reason = "READER_TOO_SLOW", .metadata = {{"sequence", absl::StrCat(sequence)}}});
}

absl::Status TooMuchOnItsWay(int64_t sequence) {
  return status::MakeError(
      absl::StatusCode::kResourceExhausted,
      absl::StrCat("too much is on its way to readers; resume after ", sequence),
      {.reason = "OVERLOADED",
       .metadata = {{"sequence", absl::StrCat(sequence)}},
       .retry_after = kRetryWhenFull});
}

// One stream. It is in one of three states: it waits in the feed, or has one batch on its way to
// the reader, or has been finished and waits for gRPC to let go of it. Kept alive by itself until
// that, and by the feed while it calls.
class WatchStream final : public grpc::ServerWriteReactor<type::v1::RecordBatch>,
                          public Watcher,
                          public std::enable_shared_from_this<WatchStream> {
 public:
  WatchStream(std::unique_ptr<rpc::StreamCall> stream, grpc::CallbackServerContext* context,
              Feed& feed, const base::Clock& clock, WatchQuery query)
      : stream_(std::move(stream)),
        context_(context),
        feed_(feed),
        clock_(clock),
        query_(std::move(query)),
        sequence_(query_.after_sequence),
        taken_sequence_(query_.after_sequence) {}

  void Begin(const absl::Status& refusal) {
    self_ = shared_from_this();
    if (!refusal.ok()) return EndWith(refusal);
    end_time_ = std::min(stream_->call().deadline, clock_.Now() + feed_.options().watch_time_max);
    const absl::Status joined =
        feed_.Join(self_, stream_->call().caller.name, query_.after_sequence);
    if (!joined.ok()) EndWith(joined);
  }

  void Deliver(const std::shared_ptr<const Page>& page, int64_t sealed_sequence) override {
    const absl::Time now = clock_.Now();
    absl::Status why;
    {
      base::MutexLock lock(&mutex_);
      if (has_ended_) return;
      FillBatch(*page, sealed_sequence, now);
      // What gRPC makes of it is there beside it.
      batch_bytes_ = static_cast<int64_t>(batch_.SpaceUsedLong() + batch_.ByteSizeLong());
      if (feed_.TakeBatchBytes(batch_bytes_)) {
        sequence_ = page->last_sequence;
        write_time_ = now;
        StartWrite(&batch_);
      } else {
        why = TooMuchOnItsWay(taken_sequence_);
        batch_bytes_ = 0;
        FreeBatch();
      }
    }
    if (!why.ok()) EndWith(why);
  }

  void Fail(const absl::Status& why) override { EndWith(why); }

  void CheckTime(absl::Time now) override {
    const absl::Duration write_time_max = feed_.options().write_time_max;
    absl::Status why;
    {
      base::MutexLock lock(&mutex_);
      const absl::Duration written =
          write_time_.has_value() ? now - *write_time_ : absl::ZeroDuration();
      if (has_ended_) {
        // It was told why, and does not even read that. `context_` lives until its write is done.
        if (written > kCancelAfter * write_time_max) context_->TryCancel();
        return;
      }
      if (written > write_time_max) {
        why = TooSlow(taken_sequence_);
      } else if (now >= end_time_) {
        why = status::DeadlineExceeded("the time of the stream, or of its credentials, is over");
      } else if (!stream_->call().caller.MayAnywhere(stream_->permission(), now)) {
        why = status::PermissionDenied(stream_->permission(), stream_->call().method);
      }
    }
    if (!why.ok()) EndWith(why);
  }

 private:
  void OnWriteDone(bool ok) override {
    int64_t sequence = 0;
    {
      base::MutexLock lock(&mutex_);
      write_time_.reset();
      FreeBatch();
      if (ok) taken_sequence_ = sequence_;
      if (has_ended_) return;
      sequence = sequence_;
    }
    if (!ok) return EndWith(absl::CancelledError("the caller has gone"));
    feed_.Await(self_, sequence);
  }

  void OnCancel() override { EndWith(absl::CancelledError("the caller has gone")); }

  void OnDone() override {
    // The feed may be about to call it for the last time.
    feed_.Leave(this);
    stream_.reset();
    const std::shared_ptr<WatchStream> self = std::move(self_);
  }

  void FillBatch(const Page& page, int64_t sealed_sequence, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (const std::shared_ptr<const FeedEntry>& entry : page.entries) {
      if (entry->sealed.sequence > sequence_ && IsWanted(*entry, now)) {
        RenderRecord(entry->sealed, entry->hash, *batch_.add_records());
      }
    }
    for (const Block& block : page.blocks) {
      if (block.last_sequence > sequence_) RenderBlock(block, *batch_.add_blocks());
    }
    batch_.set_sequence(page.last_sequence);
    batch_.set_sealed_sequence(std::max(sealed_sequence, page.last_sequence));
  }

  // Gives its memory back too, which `Clear` would keep: most wait with nothing to send.
  void FreeBatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    type::v1::RecordBatch().Swap(&batch_);
    feed_.ReturnBatchBytes(std::exchange(batch_bytes_, 0));
  }

  bool IsWanted(const FeedEntry& entry, absl::Time now) const {
    const Record& record = entry.sealed.record;
    return BeginsWithOne(record.method, query_.method_prefixes) &&
           BeginsWithOne(record.resource, query_.resource_prefixes) &&
           query_.may_see(entry.scope, now);
  }

  // Finishes it, once. A batch on its way may still arrive before the status does.
  void EndWith(const absl::Status& why) {
    base::MutexLock lock(&mutex_);
    if (!std::exchange(has_ended_, true)) Finish(stream_->End(why));
  }

  std::unique_ptr<rpc::StreamCall> stream_;
  grpc::CallbackServerContext* const context_;
  Feed& feed_;
  const base::Clock& clock_;
  const WatchQuery query_;
  absl::Time end_time_ = absl::InfiniteFuture();
  std::shared_ptr<WatchStream> self_;

  base::Mutex mutex_;
  bool has_ended_ ABSL_GUARDED_BY(mutex_) = false;
  // How far it was sent, and how far that was taken.
  int64_t sequence_ ABSL_GUARDED_BY(mutex_);
  int64_t taken_sequence_ ABSL_GUARDED_BY(mutex_);
  // Since when a batch has been on its way.
  std::optional<absl::Time> write_time_ ABSL_GUARDED_BY(mutex_);
  // gRPC reads it until the write is done.
  type::v1::RecordBatch batch_;
  // What is counted for it; 0 while none is on its way.
  int64_t batch_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace

grpc::ServerWriteReactor<type::v1::RecordBatch>* Watch(std::unique_ptr<rpc::StreamCall> stream,
                                                       grpc::CallbackServerContext* context,
                                                       Feed& feed, const base::Clock& clock,
                                                       const absl::Status& refusal,
                                                       WatchQuery query) {
  const auto watch =
      std::make_shared<WatchStream>(std::move(stream), context, feed, clock, std::move(query));
  watch->Begin(refusal);
  return watch.get();
}

}  // namespace quartermaster::records
