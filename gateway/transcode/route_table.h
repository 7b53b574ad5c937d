#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"

namespace quartermaster::gateway {

// One way to call a method by HTTP, from its `google.api.http` option.
struct Route {
  const google::protobuf::MethodDescriptor* method = nullptr;
  // `GET`, `POST`, `PATCH`, `PUT` or `DELETE`.
  std::string http_method;
  // As it is written in the option.
  std::string path;
  // Whether the whole request, but for what the path binds, is the body (`body: "*"`). Otherwise
  // there is none, and fields come as query parameters.
  bool has_body = false;
};

// What became of looking a path up.
struct RouteMatch {
  enum class Outcome {
    kFound,
    // No route has the path.
    kNotFound,
    // The path has routes, for other HTTP methods: `allow`.
    kMethodNotAllowed,
    // The path cannot be read: bad percent-encoding, an encoded slash, `.` or `..` as a segment.
    kMalformed,
  };
  Outcome outcome = Outcome::kNotFound;
  // Valid as long as the table.
  const Route* route = nullptr;
  // Field paths and their decoded values.
  std::vector<std::pair<std::string, std::string>> variables = {};
  std::vector<std::string> allow = {};
  // For `kNotFound`, the route whose path looks most like it, `GET /v1/units`; may be empty.
  std::string nearest = {};
};

// Finds the method that a path and an HTTP method name.
//
// A colon in the last segment always begins a verb; a colon that belongs to a value is sent as %3A.
// Segments are split first and then decoded, once, so that an encoded slash can never make two
// segments. A literal beats `*`, from left to right, and two routes that could then still mean the
// same request are refused when the table is made. Thread-safe once made.
class RouteTable {
 public:
  // Reads the rules of every method of `services`. Fails with INVALID_ARGUMENT, naming the method:
  // no rule; a rule of a kind that is not supported; a variable that is not a singular string; two
  // rules for the same request; a streaming method.
  static absl::StatusOr<RouteTable> Make(
      const std::vector<const google::protobuf::ServiceDescriptor*>& services);

  RouteTable(RouteTable&&) noexcept;
  RouteTable& operator=(RouteTable&&) noexcept;
  ~RouteTable();

  // Looks up a path without its query, still percent-encoded.
  RouteMatch Match(absl::string_view http_method, absl::string_view path) const;

  const std::vector<std::unique_ptr<Route>>& routes() const { return routes_; }

 private:
  struct Node;
  struct Entry;

  RouteTable();
  absl::Status AddMethod(const google::protobuf::MethodDescriptor& method);
  absl::Status AddRoute(Route route);
  const Node* FindLeaf(const Node& node, const std::vector<std::string>& segments, size_t index,
                       absl::string_view verb) const;

  std::unique_ptr<Node> root_;
  std::vector<std::unique_ptr<Route>> routes_;
};

}  // namespace quartermaster::gateway
