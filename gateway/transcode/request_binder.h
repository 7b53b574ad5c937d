#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/transcode/route_table.h"
#include "google/protobuf/message.h"

namespace quartermaster::gateway {

// Builds the request message of a matched route out of path, query and body.
//
// With `body: "*"` the body is the request and there are no query parameters; what the path binds
// may be repeated in the body, with the same value. Without a body every other field may be a query
// parameter, in either spelling of its name: nested as `unit.name`, repeated by being given again,
// enums by name, times as RFC 3339. An empty body counts as `{}`.
//
// Fails with INVALID_ARGUMENT as `ReadJson` does; for parameters with reason `INVALID_FIELD`, one
// violation for each that is unknown (the nearest known one is named), given twice, bound by the
// path already, or of the wrong type.
absl::StatusOr<std::unique_ptr<google::protobuf::Message>> BindRequest(const RouteMatch& match,
                                                                       absl::string_view query,
                                                                       absl::string_view body);

}  // namespace quartermaster::gateway
