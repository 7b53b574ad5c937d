#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/base/clock.h"
#include "platform/base/mutex.h"
#include "platform/rpc/shared_streams.h"
#include "quartermaster/internal/v1/relay.grpc.pb.h"

namespace quartermaster::gateway {

// A call that may share a stream with those of others. It hears of its end once, on any thread, by
// one of the two functions, unless `SharedCalls::Take` refused it.
class SharedCall {
 public:
  virtual ~SharedCall() = default;
  // Takes the answer. UNAVAILABLE without details if the stream was lost, DEADLINE_EXCEEDED without
  // details if its time was over, CANCELLED if it was cancelled.
  virtual void Answer(const grpc::Status& status, grpc::ByteBuffer response) = 0;
  // Takes notice that nothing of it was taken in by the other end: it should go alone.
  virtual void GoAlone() = 0;

  // What it brings along. What is only looked at lives as long as this.
  absl::string_view identity;
  std::string traceparent;
  absl::Time deadline;
  absl::string_view request;
};

// Carries the calls of many callers to one service by streams of `Relay.PostForCallers`: what comes
// while a message is on its way goes with the next one, so a message carries one call while few
// come and many while many do.
//
// A stream is given up after a while and another takes its place, so that connections can be
// renewed and all replicas get their share; what it carries is still answered. Thread-safe. Its
// calls must have ended before it goes.
class SharedCalls {
 public:
  struct Options {
    // Streams that are in use at once; 0: no call is taken.
    int stream_count = 1;
    // After which a stream takes no more calls. Shorter than the time that a server gives to the
    // calls of a connection that it renews.
    absl::Duration stream_age_max = rpc::kSharedStreamAgeMax;
    // Calls in one message, which never has more than `message_bytes_max` but by its last call.
    int message_calls_max = 128;
    size_t message_bytes_max = 256 * 1024;
    // Larger requests go alone.
    size_t request_bytes_max = 64 * 1024;
    // After a service has said that it does not know the method, for so long all calls go alone.
    absl::Duration unknown_pause = absl::Seconds(30);
  };

  SharedCalls(const Options& options, const std::vector<std::shared_ptr<grpc::Channel>>& channels,
              const base::Clock& clock);
  ~SharedCalls();
  SharedCalls(const SharedCalls&) = delete;
  SharedCalls& operator=(const SharedCalls&) = delete;

  // Takes a call, unless it is too large or the service does not take shared calls; it may end
  // before this returns.
  bool Take(const std::shared_ptr<SharedCall>& call);

  // Ends a call that has not ended with CANCELLED, and lets the other end know.
  void Cancel(const SharedCall& call);

 private:
  class Stream;
  // What is to be done with a stream, found out under the lock and done without it.
  struct Next {
    bool writes = false;
    bool ends_writes = false;
    bool lets_go = false;
  };
  struct Place {
    std::shared_ptr<Stream> stream;
    int64_t number = 0;
  };
  // A call that was taken out of its stream.
  struct Ended {
    std::shared_ptr<Stream> stream;
    std::shared_ptr<SharedCall> call = nullptr;
    Next next = {};
  };

  // Nothing if the call has ended.
  std::optional<Ended> TakeOut(const SharedCall& call, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static void Finish(const Ended& ended, grpc::StatusCode code);
  void Forget(const SharedCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes a stream off the books.
  std::shared_ptr<Stream> LetGo(const Stream& stream) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WatchDeadlines();

  const Options options_;
  const base::Clock& clock_;
  std::vector<std::unique_ptr<internal::v1::Relay::Stub>> stubs_;
  base::Mutex mutex_;
  base::CondVar changed_;
  // Those that take calls, and the place of the next one to.
  std::vector<std::shared_ptr<Stream>> streams_ ABSL_GUARDED_BY(mutex_);
  size_t next_stream_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t next_stub_ ABSL_GUARDED_BY(mutex_) = 0;
  // Those that gRPC has not let go of.
  std::set<std::shared_ptr<Stream>> live_ ABSL_GUARDED_BY(mutex_);
  // All that are not destroyed.
  int stream_count_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<const SharedCall*, Place> places_ ABSL_GUARDED_BY(mutex_);
  std::set<std::pair<absl::Time, const SharedCall*>> deadlines_ ABSL_GUARDED_BY(mutex_);
  // When the watcher looks again by itself.
  absl::Time watch_time_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
  absl::Time paused_until_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  bool is_ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread watcher_;
};

}  // namespace quartermaster::gateway
