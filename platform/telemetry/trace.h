#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "platform/base/call.h"

// W3C trace context (https://www.w3.org/TR/trace-context/): the `traceparent` metadata alone.
namespace quartermaster::telemetry {

inline constexpr char kTraceparent[] = "traceparent";

// Reads a `traceparent`: version, trace id, span id, flags. Nothing for one that is malformed,
// whose ids are all zero or whose version is `ff`; a later version's additions are ignored.
std::optional<base::TraceContext> ParseTraceparent(absl::string_view text);

// Renders it, with the flag that says that it is recorded.
std::string RenderTraceparent(const base::TraceContext& trace);

// Makes a new trace with a first span, from the operating system's randomness.
base::TraceContext StartTrace();

// Makes a new span in the trace of `parent`.
base::TraceContext StartSpan(const base::TraceContext& parent);

}  // namespace quartermaster::telemetry
