#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/auth/authenticator.h"
#include "platform/base/call.h"
#include "platform/base/clock.h"
#include "platform/rpc/executor.h"
#include "platform/rpc/live_calls.h"
#include "platform/rpc/method_table.h"
#include "platform/telemetry/metrics.h"

namespace quartermaster::rpc {

class CallReactor;
class ServedCall;

// A stream, or a call that came within one, that was let in or refused, as `Serve` sees it: its
// handler moves it on, and ends it. Counted among the live calls until this goes. Not thread-safe
// but for `Cancel` and `is_cancelled`. Must not outlive the `Serve` that made it.
class StreamCall {
 public:
  explicit StreamCall(std::unique_ptr<ServedCall> call);
  ~StreamCall();

  // Whether it was let in; if not, it is to be ended with this.
  const absl::Status& admitted() const { return admitted_; }
  // Who, until when: the caller's deadline, or when the credentials are over, whichever is first;
  // infinite if neither is told. Complete if it was let in.
  const base::Call& call() const;
  // The permission that the method asks for.
  const std::string& permission() const;

  // Counts and logs it and returns what to finish it with. Called once.
  grpc::Status End(const absl::Status& status);

  // Remembers that nobody waits for the answer any more, for the log and the metrics.
  void Cancel();
  bool is_cancelled() const;

 private:
  friend class Serve;
  std::unique_ptr<ServedCall> call_;
  absl::Status admitted_;
};

// Ends one call, once, from any thread. Whoever holds it may use the call's request and response
// until then and not after. One that is dropped unused ends the call with INTERNAL, so no call is
// ever left without an answer. Not thread-safe; movable.
class Finisher {
 public:
  explicit Finisher(CallReactor* reactor) : reactor_(reactor) {}
  Finisher(Finisher&& other) noexcept : reactor_(std::exchange(other.reactor_, nullptr)) {}
  Finisher& operator=(Finisher&&) = delete;
  ~Finisher();

  void operator()(absl::Status status) &&;

 private:
  CallReactor* reactor_;
};

// What every call goes through, whatever it is about:
//
//   trace -> own limits on metadata -> enough time left -> who calls -> may they call this method
//   at all -> a place in the queue of its class -> the body, inside a catch (...) -> count, time,
//   one log line -> the status with its details.
//
// A handler is this and nothing else:
//
//   grpc::ServerUnaryReactor* UnitsService::GetUnit(grpc::CallbackServerContext* context,
//                                                   const pb::GetUnitRequest* request,
//                                                   pb::Unit* response) {
//     return serve_(context, kGetUnit, *request, [=, this](const base::Call& call) -> absl::Status
//     {
//       QM_ASSIGN_OR_RETURN(const UnitName name, ParseGetUnit(*request));
//       QM_ASSIGN_OR_RETURN(const Unit unit, registry_.Get(call, name));
//       RenderUnit(unit, *response);
//       return absl::OkStatus();
//     });
//   }
//
// Thread-safe. Must outlive the server whose handlers use it; so must all that it is made from.
class Serve {
 public:
  struct Parts {
    const MethodTable& methods;
    auth::Authenticator& authenticator;
    Executors& executors;
    telemetry::Metrics& metrics;
    const base::Clock& clock;
  };

  struct Limits {
    // For calls that come without a deadline.
    absl::Duration default_deadline = absl::Seconds(10);
    // Longer ones are cut to it.
    absl::Duration deadline_max = absl::Seconds(60);
    // A call with less left is refused rather than begun.
    absl::Duration time_left_min = absl::Milliseconds(5);
    // Keys and values together, counted as HTTP/2 does, with 32 bytes for each entry.
    size_t metadata_bytes_max = 8 * 1024;
  };

  using Body = absl::AnyInvocable<absl::Status(const base::Call&)>;
  using LaterBody = absl::AnyInvocable<void(const base::Call&, Finisher)>;

  explicit Serve(const Parts& parts) : Serve(parts, Limits()) {}
  Serve(const Parts& parts, const Limits& limits);
  ~Serve();

  Serve(const Serve&) = delete;
  Serve& operator=(const Serve&) = delete;

  // Serves one call with a body that runs on a thread of the method's class and whose status is the
  // answer. `method` must be in the table. The request's size counts against the memory that queued
  // calls may take.
  grpc::ServerUnaryReactor* operator()(grpc::CallbackServerContext* context,
                                       absl::string_view method,
                                       const google::protobuf::Message& request, Body body) const {
    return Start(context, method, MemoryOf(request), std::move(body));
  }
  // The same for requests that are small by nature: a name, a page.
  grpc::ServerUnaryReactor* operator()(grpc::CallbackServerContext* context,
                                       absl::string_view method, Body body) const {
    return Start(context, method, kSmallRequestBytes, std::move(body));
  }

  // Serves one call whose body runs on a thread of the method's class too, but need not know the
  // answer when it returns: it hands the `Finisher` on to whoever will (a posting lane), and the
  // thread is free for the next call. Answered like any other call if its turn does not come.
  grpc::ServerUnaryReactor* HandOn(grpc::CallbackServerContext* context, absl::string_view method,
                                   const google::protobuf::Message& request, LaterBody body) const;

  // Judges a call that is a stream, by what comes before a body: trace, metadata, time, caller,
  // permission. For the handler of a streaming method; `context` must outlive what it returns.
  std::unique_ptr<StreamCall> AdmitStream(grpc::CallbackServerContext* context,
                                          absl::string_view method) const;

  // Judges a stream that is to carry calls of others, by what its connection proves: whoever is at
  // its other end needs no rights of its own, and gets none.
  std::unique_ptr<StreamCall> AdmitRelay(grpc::CallbackServerContext* context,
                                         absl::string_view method) const;

  // What a call brings that came within a stream.
  struct Carried {
    // Of its own caller, with what the stream's connection proves.
    auth::Credentials credentials;
    std::string traceparent;
    absl::Duration time_left;
  };
  // Judges such a call as if it had come alone: trace, time, who calls, may they call `method`.
  std::unique_ptr<StreamCall> AdmitCarried(absl::string_view method, const Carried& carried) const;

  // Queues work for calls of `method` that came within a stream: as `Executors::Submit`, but what
  // the work throws is logged and costs those calls alone.
  absl::Status Submit(absl::string_view method, Executors::Task task) const;

  const LiveCalls& live_calls() const;

 private:
  friend class CallReactor;
  friend class ServedCall;
  class State;
  static constexpr int64_t kSmallRequestBytes = 1024;

  // What a request takes while it waits. Empty fields, two bytes each on the wire, take fifty times
  // as many; to ask for that is slow, so small requests are taken at their size on the wire.
  static int64_t MemoryOf(const google::protobuf::Message& request);
  // Begins a call, and has `queue` queue its body if it may be served.
  grpc::ServerUnaryReactor* Admit(grpc::CallbackServerContext* context, absl::string_view method,
                                  absl::FunctionRef<void(CallReactor&)> queue) const;
  grpc::ServerUnaryReactor* Start(grpc::CallbackServerContext* context, absl::string_view method,
                                  int64_t request_bytes, Body body) const;
  std::unique_ptr<StreamCall> Open(grpc::CallbackServerContext* context, absl::string_view method,
                                   absl::FunctionRef<absl::Status(ServedCall&)> admit) const;

  std::unique_ptr<State> state_;
};

}  // namespace quartermaster::rpc
