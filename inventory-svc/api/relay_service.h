#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "inventory-svc/domain/stock_ledger.h"
#include "inventory-svc/lanes/posting_lanes.h"
#include "platform/base/clock.h"
#include "platform/base/mutex.h"
#include "platform/rpc/serve.h"
#include "quartermaster/internal/v1/relay.grpc.pb.h"

namespace quartermaster::inventory {

// How much a relay may have under way here.
struct RelayOptions {
  // Streams at once; more are refused.
  int streams_max = 32;
  // Calls of one stream that are not answered, or whose answer was not taken. No more is read from
  // a stream that has as many. More than half of what may wait for the lanes: what is read is
  // judged by its caller's share, what is not read holds up everybody.
  int calls_max = 3072;
};

// Takes the postings of many callers from the gateway, each by itself: who calls, what they may,
// how long they wait, which trace it is, and what they are answered is each call's own matter.
//
// What comes in one message waits for a thread together and is prepared in its order; the lanes see
// as many callers as there are. A stream takes no thread: it lives in gRPC's callbacks.
//
// Thread-safe. What it is given must outlive the server.
class RelayService final : public internal::v1::Relay::CallbackService {
 public:
  RelayService(const rpc::Serve& serve, StockLedger& ledger, PostingLanes* lanes,
               const base::Clock& clock, const RelayOptions& options)
      : serve_(serve), ledger_(ledger), lanes_(lanes), clock_(clock), options_(options) {}

  grpc::ServerBidiReactor<internal::v1::PostForCallersRequest,
                          internal::v1::PostForCallersResponse>*
  PostForCallers(grpc::CallbackServerContext* context) override;

  // Tells all streams that no more calls should come, and refuses new ones: for when draining
  // begins. What came is answered.
  void Close();

 private:
  class Stream;
  class CarriedPosting;

  // Counts a stream in, unless there are too many, or this is closing.
  absl::Status Join(const std::shared_ptr<Stream>& stream);
  void Leave(const Stream* stream);

  const rpc::Serve& serve_;
  StockLedger& ledger_;
  PostingLanes* const lanes_;
  const base::Clock& clock_;
  const RelayOptions options_;
  base::Mutex mutex_;
  std::vector<std::shared_ptr<Stream>> streams_ ABSL_GUARDED_BY(mutex_);
  bool is_closing_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace quartermaster::inventory
