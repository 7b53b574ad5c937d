#include "gateway/transcode/route_table.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gateway/transcode/nearest.h"
#include "gateway/transcode/path_template.h"
#include "gateway/transcode/percent.h"
#include "google/api/annotations.pb.h"
#include "platform/base/status_macros.h"

namespace quartermaster::gateway {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

// Longer paths than any route has are not looked at.
constexpr size_t kSegmentsMax = 32;

absl::Status BadRule(const MethodDescriptor& method, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("method ", method.full_name(), ": ", why));
}

absl::StatusOr<Route> ReadRule(const MethodDescriptor& method, const google::api::HttpRule& rule) {
  Route route{.method = &method};
  switch (rule.pattern_case()) {
    case google::api::HttpRule::kGet:
      route.http_method = "GET";
      route.path = rule.get();
      break;
    case google::api::HttpRule::kPost:
      route.http_method = "POST";
      route.path = rule.post();
      break;
    case google::api::HttpRule::kPatch:
      route.http_method = "PATCH";
      route.path = rule.patch();
      break;
    case google::api::HttpRule::kPut:
      route.http_method = "PUT";
      route.path = rule.put();
      break;
    case google::api::HttpRule::kDelete:
      route.http_method = "DELETE";
      route.path = rule.delete_();
      break;
    default:
      return BadRule(method, "its google.api.http option names no path of a kind we serve");
  }
  if (!rule.body().empty() && rule.body() != "*") {
    return BadRule(method, "only body \"*\" and no body are served");
  }
  if (!rule.response_body().empty()) return BadRule(method, "response_body is not served");
  route.has_body = rule.body() == "*";
  if (route.has_body && (route.http_method == "GET" || route.http_method == "DELETE")) {
    return BadRule(method, absl::StrCat(route.http_method, " cannot have a body"));
  }
  return route;
}

// A path binds text, so the field at its end is a singular string inside singular messages.
absl::Status CheckVariable(const MethodDescriptor& method, absl::string_view field_path) {
  const Descriptor* message = method.input_type();
  const FieldDescriptor* field = nullptr;
  for (const absl::string_view part : absl::StrSplit(field_path, '.')) {
    if (message == nullptr) return BadRule(method, absl::StrCat(field_path, " is not a message"));
    field = message->FindFieldByName(std::string(part));
    if (field == nullptr || field->is_repeated()) {
      return BadRule(method, absl::StrCat("has no singular field ", field_path));
    }
    message = field->message_type();
  }
  if (field->type() != FieldDescriptor::TYPE_STRING) {
    return BadRule(method, absl::StrCat(field_path, " is not a string"));
  }
  return absl::OkStatus();
}

// The path as it is asked for, split and decoded.
struct AskedPath {
  std::vector<std::string> segments;
  std::string verb;
};

std::optional<AskedPath> Decode(absl::string_view path) {
  if (path.empty() || path[0] != '/') return std::nullopt;
  AskedPath asked;
  absl::string_view rest = path.substr(1);
  const size_t last = rest.rfind('/') == absl::string_view::npos ? 0 : rest.rfind('/') + 1;
  const size_t colon = rest.find(':', last);
  if (colon != absl::string_view::npos) {
    std::optional<std::string> verb = PercentDecode(rest.substr(colon + 1));
    if (!verb.has_value() || verb->empty()) return std::nullopt;
    asked.verb = *std::move(verb);
    rest = rest.substr(0, colon);
  }
  const std::vector<absl::string_view> encoded =
      absl::StrSplit(rest, absl::MaxSplits('/', kSegmentsMax));
  for (const absl::string_view segment : encoded) {
    std::optional<std::string> decoded = PercentDecode(segment);
    if (!decoded.has_value() || decoded == "." || decoded == ".." ||
        (decoded->find('/') != std::string::npos && encoded.size() <= kSegmentsMax)) {
      return std::nullopt;
    }
    asked.segments.push_back(*std::move(decoded));
  }
  return asked;
}

// Writes the route's path with the asked segments in place of `*`, so that only what the client
// could have spelt wrong counts as a difference.
std::string LikeAsked(const Route& route, const AskedPath& asked) {
  absl::StatusOr<PathTemplate> path = PathTemplate::Parse(route.path);
  for (size_t i = 0; i < path->segments.size() && i < asked.segments.size(); ++i) {
    if (path->segments[i] == "*") path->segments[i] = asked.segments[i];
  }
  return absl::StrCat("/", absl::StrJoin(path->segments, "/"), ":", path->verb);
}

std::string NearestRoute(const std::vector<std::unique_ptr<Route>>& routes,
                         absl::string_view http_method, const AskedPath& asked) {
  std::vector<std::string> paths;
  std::vector<std::string> names;
  for (const bool same_method : {true, false}) {
    for (const std::unique_ptr<Route>& route : routes) {
      if ((route->http_method == http_method) != same_method) continue;
      paths.push_back(LikeAsked(*route, asked));
      names.push_back(absl::StrCat(route->http_method, " ", route->path));
    }
  }
  const std::string nearest =
      NearestOf(absl::StrCat("/", absl::StrJoin(asked.segments, "/"), ":", asked.verb), paths);
  if (nearest.empty()) return "";
  return names[static_cast<size_t>(std::ranges::find(paths, nearest) - paths.begin())];
}

}  // namespace

struct RouteTable::Entry {
  const Route* route;
  PathTemplate path;
};

struct RouteTable::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
  std::unique_ptr<Node> any;
  // By verb, then HTTP method.
  std::map<std::string, std::map<std::string, Entry, std::less<>>, std::less<>> entries;
};

RouteTable::RouteTable() : root_(std::make_unique<Node>()) {}
RouteTable::RouteTable(RouteTable&&) noexcept = default;
RouteTable& RouteTable::operator=(RouteTable&&) noexcept = default;
RouteTable::~RouteTable() = default;

absl::StatusOr<RouteTable> RouteTable::Make(const std::vector<const ServiceDescriptor*>& services) {
  RouteTable table;
  for (const ServiceDescriptor* service : services) {
    for (int i = 0; i < service->method_count(); ++i) {
      QM_RETURN_IF_ERROR(table.AddMethod(*service->method(i)));
    }
  }
  return table;
}

absl::Status RouteTable::AddMethod(const MethodDescriptor& method) {
  if (method.client_streaming()) return BadRule(method, "streams of requests are not served");
  // A stream of answers has no form in JSON over HTTP/1.1 that a caller could resume: gRPC alone.
  if (method.server_streaming()) return absl::OkStatus();
  if (!method.options().HasExtension(google::api::http)) {
    return BadRule(method, "has no google.api.http option");
  }
  const google::api::HttpRule& rule = method.options().GetExtension(google::api::http);
  QM_ASSIGN_OR_RETURN(Route route, ReadRule(method, rule));
  QM_RETURN_IF_ERROR(AddRoute(std::move(route)));
  for (const google::api::HttpRule& additional : rule.additional_bindings()) {
    QM_ASSIGN_OR_RETURN(Route more, ReadRule(method, additional));
    QM_RETURN_IF_ERROR(AddRoute(std::move(more)));
  }
  return absl::OkStatus();
}

absl::Status RouteTable::AddRoute(Route route) {
  absl::StatusOr<PathTemplate> path = PathTemplate::Parse(route.path);
  if (!path.ok()) return BadRule(*route.method, path.status().message());
  for (const PathTemplate::Variable& variable : path->variables) {
    QM_RETURN_IF_ERROR(CheckVariable(*route.method, variable.field_path));
  }
  Node* node = root_.get();
  for (const std::string& segment : path->segments) {
    std::unique_ptr<Node>& next = segment == "*" ? node->any : node->literals[segment];
    if (next == nullptr) next = std::make_unique<Node>();
    node = next.get();
  }
  routes_.push_back(std::make_unique<Route>(std::move(route)));
  const Route* stored = routes_.back().get();
  const auto [entry, is_new] = node->entries[path->verb].try_emplace(
      stored->http_method, Entry{.route = stored, .path = *std::move(path)});
  if (!is_new) {
    return BadRule(*stored->method, absl::StrCat(stored->http_method, " ", stored->path,
                                                 " is the same request as that of ",
                                                 entry->second.route->method->full_name()));
  }
  return absl::OkStatus();
}

// Literals first, and back to `*` when the rest does not fit. Each segment offers two ways at most
// and the depth is that of the longest route, so the search is small.
const RouteTable::Node* RouteTable::FindLeaf(const Node& node,
                                             const std::vector<std::string>& segments, size_t index,
                                             absl::string_view verb) const {
  if (index == segments.size()) {
    return node.entries.find(std::string(verb)) == node.entries.end() ? nullptr : &node;
  }
  const std::string& segment = segments[index];
  if (const auto literal = node.literals.find(segment); literal != node.literals.end()) {
    if (const Node* leaf = FindLeaf(*literal->second, segments, index + 1, verb)) return leaf;
  }
  if (node.any == nullptr || segment.empty()) return nullptr;
  return FindLeaf(*node.any, segments, index + 1, verb);
}

RouteMatch RouteTable::Match(absl::string_view http_method, absl::string_view path) const {
  const std::optional<AskedPath> asked = Decode(path);
  if (!asked.has_value()) return {.outcome = RouteMatch::Outcome::kMalformed};

  const Node* leaf = FindLeaf(*root_, asked->segments, 0, asked->verb);
  if (leaf == nullptr) {
    return {.outcome = RouteMatch::Outcome::kNotFound,
            .nearest = NearestRoute(routes_, http_method, *asked)};
  }
  const auto& by_method = leaf->entries.find(asked->verb)->second;
  const auto entry = by_method.find(std::string(http_method));
  if (entry == by_method.end()) {
    RouteMatch match{.outcome = RouteMatch::Outcome::kMethodNotAllowed};
    for (const auto& [allowed, unused] : by_method) match.allow.push_back(allowed);
    return match;
  }

  RouteMatch match{.outcome = RouteMatch::Outcome::kFound, .route = entry->second.route};
  for (const PathTemplate::Variable& variable : entry->second.path.variables) {
    const auto begin = asked->segments.begin();
    match.variables.emplace_back(variable.field_path,
                                 absl::StrJoin(begin + static_cast<ptrdiff_t>(variable.begin),
                                               begin + static_cast<ptrdiff_t>(variable.end), "/"));
  }
  return match;
}

}  // namespace quartermaster::gateway
