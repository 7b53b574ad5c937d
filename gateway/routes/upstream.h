#pragma once

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "gateway/routes/availability.h"
#include "gateway/routes/gate.h"
#include "gateway/routes/shared_calls.h"
#include "platform/base/clock.h"
#include "platform/base/fair_share.h"
#include "platform/base/mutex.h"

namespace quartermaster::gateway {

// A program that answers calls, and the calls on their way to it.
//
// Messages pass as bytes; nothing here parses them. What an upstream says in an error goes on as it
// is if it was made for callers (it has details); what the transport says is replaced, since it
// tells addresses. Thread-safe. Must outlive its calls.
class Upstream {
 public:
  // How a call says on whose behalf it is made.
  enum class Identity {
    // `qm-identity`, signed by the gateway: for services.
    kSigned,
    // The person's own `authorization`: for the gateway's own server alone.
    kOwnToken,
  };

  struct Options {
    // As people know it: `inventory`.
    std::string name;
    Identity identity = Identity::kSigned;
    // Calls under way at once, postings aside; more are refused.
    int calls_max = 1024;
    // Of them, those that are streams.
    int streams_max = 512;
    // The methods, as `GatewayMethod::path`, whose calls have places of their own, so that they
    // and the others do not stop one another; and how many those are.
    absl::flat_hash_set<std::string> posting_paths = {};
    int postings_max = 4096;
    // The method whose calls share streams, as `GatewayMethod::path`; empty: none's do.
    std::string shared_path = {};
    SharedCalls::Options shared = {};
  };

  // Called once, on a thread of gRPC.
  using Done = absl::AnyInvocable<void(const grpc::Status& status, grpc::ByteBuffer& response)>;

  // A call on its way. Thread-safe.
  class Flight {
   public:
    virtual ~Flight() = default;
    // Ends it with CANCELLED, unless it has ended.
    virtual void Cancel() = 0;
  };

  Upstream(const Options& options, const std::vector<std::shared_ptr<grpc::Channel>>& channels,
           const base::Clock& clock);

  // Sends `request` to the method at `path`, which must outlive the call. `done` gets the answer,
  // or
  // - UNAVAILABLE, `SERVICE_UNAVAILABLE`, if the program cannot be reached; metadata: `service`;
  // - RESOURCE_EXHAUSTED, `OVERLOADED`, if too many calls are on their way to it;
  // - the same with `CALLER_OVERLOADED`, if half as many are, and more than a quarter would be this
  //   caller's;
  // - DEADLINE_EXCEEDED, `DEADLINE_EXCEEDED`, a little before the call's own deadline, so that
  //   there is time left to say so;
  // - what the program answered.
  // Calls of `shared_path` go with those of others, if the program takes that, and by themselves if
  // not; nobody can tell from the answer.
  std::shared_ptr<Flight> Forward(const std::string& path, const EdgeCall& call,
                                  grpc::ByteBuffer request, Done done);

  // Who takes the messages of a stream. Called by one thread at a time, and not after `OnEnd`.
  class StreamSink {
   public:
    virtual ~StreamSink() = default;
    // Takes one message; the next comes after `Stream::Next`.
    virtual void OnMessage(grpc::ByteBuffer message) = 0;
    // Ends it, once, with what `done` of `Forward` would get.
    virtual void OnEnd(const grpc::Status& status) = 0;
  };

  // A stream on its way. Thread-safe.
  class Stream : public Flight {
   public:
    // Asks for the next message, after one has come.
    virtual void Next() = 0;
  };

  // As `Forward`, for a method that answers with a stream. A message is read only when the one
  // before was taken, so who reads slowly is waited for by the program itself. `sink` must live
  // until `OnEnd`.
  std::shared_ptr<Stream> ForwardStream(const std::string& path, const EdgeCall& call,
                                        grpc::ByteBuffer request, StreamSink& sink);

  const std::string& name() const { return options_.name; }
  int call_count() const;
  // Waits until no call is under way: until then `done` of one may be called.
  void AwaitNoCalls() const;

 private:
  class Context;
  class OneFlight;
  class OneStream;

  // Whether the callee is told who calls by what the gateway signed.
  bool TellsIdentity() const { return options_.identity == Identity::kSigned; }
  // Sets up the context of a call on behalf of `call`.
  void Prepare(const EdgeCall& call, grpc::ClientContext& context) const;
  grpc::GenericStub& NextStub() {
    return *stubs_[next_.fetch_add(1, std::memory_order_relaxed) % stubs_.size()];
  }
  // What a call takes a place of, and for whom.
  enum class Kind { kCall, kStream, kPosting };
  struct Place {
    Kind kind;
    std::string caller;
  };
  base::FairShare& PlacesOf(Kind kind) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return kind == Kind::kPosting ? postings_ : calls_;
  }
  int PlaceCount() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return static_cast<int>(calls_.taken() + postings_.taken());
  }
  // Takes a place; fails with why there is none.
  absl::Status BeginCall(const Place& place);
  absl::Status CheckRoom(const base::FairShare& places, absl::string_view what,
                         absl::string_view caller) const;
  // Frees the call's place, before it is answered: who has the answer may call again at once.
  void LeavePlace(const Place& place);
  // When it was answered.
  void EndCall();
  // Makes what the callee said fit for the caller's ears.
  grpc::Status Judge(const grpc::Status& status, absl::string_view trace_id);

  const Options options_;
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs_;
  const base::Clock& clock_;
  std::atomic<size_t> next_ = 0;
  mutable base::Mutex mutex_;
  mutable base::CondVar no_calls_;
  // Those under way. A stream is among the calls too.
  base::FairShare calls_ ABSL_GUARDED_BY(mutex_);
  base::FairShare streams_ ABSL_GUARDED_BY(mutex_);
  base::FairShare postings_ ABSL_GUARDED_BY(mutex_);
  // Those that are being answered.
  int ending_count_ ABSL_GUARDED_BY(mutex_) = 0;
  Availability availability_;
  // Null if no calls share streams. Last: what ends here is told to all of the above.
  std::unique_ptr<SharedCalls> shared_;
};

// UNAVAILABLE, `SERVICE_UNAVAILABLE`, with the time after which to try again.
absl::Status ServiceUnavailable(absl::string_view service, absl::Time since);

}  // namespace quartermaster::gateway
