// Paths, queries and bodies: `GET /v1/units?page_size=3`, a line end, the body.
//
// A path means one method or none, and what is bound fits the message or is refused as the caller's
// mistake.

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gateway/transcode/json_writer.h"
#include "gateway/transcode/request_binder.h"
#include "gateway/transcode/route_table.h"
#include "platform/base/check.h"
#include "protos/api_files.h"
#include "tests/fuzz/fuzz.h"

namespace quartermaster::testing {
namespace {

const gateway::RouteTable& Routes() {
  static const auto* const table = [] {
    auto made = gateway::RouteTable::Make(PublicInterfaces());
    QM_CHECK(made.ok());
    return new gateway::RouteTable(*std::move(made));
  }();
  return *table;
}

}  // namespace

void TryInput(absl::string_view input) {
  const size_t line_end = input.find('\n');
  const absl::string_view line = input.substr(0, line_end);
  const absl::string_view body =
      line_end == absl::string_view::npos ? "" : input.substr(line_end + 1);
  const size_t space = line.find(' ');
  if (space == absl::string_view::npos) return;
  const absl::string_view target = line.substr(space + 1);
  const size_t question = target.find('?');
  const absl::string_view query =
      question == absl::string_view::npos ? "" : target.substr(question + 1);
  const gateway::RouteMatch match =
      Routes().Match(line.substr(0, space), target.substr(0, question));
  if (match.outcome != gateway::RouteMatch::Outcome::kFound) {
    QM_CHECK(match.route == nullptr);
    return;
  }
  QM_CHECK(match.route != nullptr && match.route->http_method == line.substr(0, space));
  const auto request = gateway::BindRequest(match, query, body);
  if (!request.ok()) {
    QM_CHECK(absl::IsInvalidArgument(request.status()));
    return;
  }
  QM_CHECK((*request)->GetDescriptor() == match.route->method->input_type());
  std::string written;
  QM_CHECK(gateway::WriteJson(**request, written).ok());
}

}  // namespace quartermaster::testing
