#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "platform/base/call.h"
#include "platform/base/clock.h"
#include "platform/records/feed.h"
#include "platform/rpc/serve.h"
#include "quartermaster/type/v1/record.pb.h"

namespace quartermaster::records {

// What a caller wants of the feed, already checked.
struct WatchQuery {
  int64_t after_sequence = 0;
  // A record's method, and its resource, must begin with one of these; with none, any will do.
  std::vector<std::string> method_prefixes;
  std::vector<std::string> resource_prefixes;
  // Whether the caller may see what has this scope, and asked for it. Called for each record, on
  // any thread, so a grant that ends or a unit that moves counts from then on.
  std::function<bool(const Scope& scope, absl::Time now)> may_see;
};

// Serves one stream of the feed: for the handler of a service's `Records.Watch`, which refuses the
// stream with `refusal` if that is not OK. The stream takes neither a thread nor a connection: it
// lives in gRPC's callbacks and in the feed's list, and has at most one batch on its way.
//
// `feed`, `clock` and what `query` refers to must outlive the server.
grpc::ServerWriteReactor<type::v1::RecordBatch>* Watch(std::unique_ptr<rpc::StreamCall> stream,
                                                       grpc::CallbackServerContext* context,
                                                       Feed& feed, const base::Clock& clock,
                                                       const absl::Status& refusal,
                                                       WatchQuery query);

}  // namespace quartermaster::records
