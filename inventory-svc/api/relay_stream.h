#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "inventory-svc/api/relay_service.h"
#include "platform/base/mutex.h"
#include "platform/base/together.h"
#include "platform/rpc/serve.h"
#include "quartermaster/internal/v1/relay.pb.h"

namespace quartermaster::inventory {

// One stream of a gateway, from its head until gRPC has let go of it. Kept alive by that, and by
// its calls. Thread-safe.
class RelayService::Stream final
    : public grpc::ServerBidiReactor<internal::v1::PostForCallersRequest,
                                     internal::v1::PostForCallersResponse>,
      public base::PutOff,
      public std::enable_shared_from_this<Stream> {
 public:
  Stream(RelayService& service, grpc::CallbackServerContext* context);

  // Called once, before anything else.
  void Begin();
  // Asks the other end to send no more calls.
  void Close();
  // Sends the answer to a call of this stream, if there is still somebody to send it to; with
  // others that are ready together, as those of a turn are.
  void Send(internal::v1::CarriedAnswer answer);

 private:
  using Postings = std::vector<std::shared_ptr<CarriedPosting>>;

  void DoNow() override { GoOn(); }
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  // Takes in the calls of one message; those that are refused at once are answered at once.
  absl::Status TakeIn();
  void TakeCancelled();
  void QueueTogether(Postings postings);
  // Posts them, on a thread of their class, or answers all with `turn` if it is an error.
  static void PostTogether(RelayService& service, const Postings& postings,
                           const absl::Status& turn);

  // What is to be done next, found out under the lock and done without it.
  struct Next {
    bool reads = false;
    bool writes = false;
    bool finishes = false;
  };
  Next FindNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FillWrite() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Do(const Next& next);
  void GoOn();

  RelayService& relay_;
  const std::unique_ptr<rpc::StreamCall> served_;
  grpc::CallbackServerContext* const context_;
  std::vector<std::string> peer_spiffe_ids_;
  std::shared_ptr<Stream> self_;

  // gRPC's, while a read or a write is under way.
  internal::v1::PostForCallersRequest request_;
  internal::v1::PostForCallersResponse response_;

  base::Mutex mutex_;
  bool is_reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_writing_ ABSL_GUARDED_BY(mutex_) = false;
  // Nothing more comes from the other end, or is listened to.
  bool has_read_all_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_closing_told_ ABSL_GUARDED_BY(mutex_) = true;
  bool has_finished_ ABSL_GUARDED_BY(mutex_) = false;
  // What it ends with, if not with OK.
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  // Calls that came and whose answer was not taken.
  int open_count_ ABSL_GUARDED_BY(mutex_) = 0;
  // Of them, those that were not answered.
  absl::flat_hash_map<int64_t, std::weak_ptr<CarriedPosting>> unanswered_ ABSL_GUARDED_BY(mutex_);
  std::vector<internal::v1::CarriedAnswer> answers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace quartermaster::inventory
