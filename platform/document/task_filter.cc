#include "platform/document/task_filter.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "platform/document/version_store.h"

namespace quartermaster::document {
namespace {

// Renders the condition that the row `alias` asks for something that the caller holds.
std::string Held(absl::string_view alias, const TaskFilter& filter,
                 std::vector<mysql::Value>& params) {
  std::vector<std::string> ways;
  for (const TaskGrant& grant : filter.grants) {
    if (!grant.is_everywhere && grant.units.empty()) continue;
    std::string way = absl::StrCat("(", alias, ".permission = ?");
    params.emplace_back(grant.permission);
    if (!grant.is_everywhere) {
      absl::StrAppend(&way, " AND ", alias, ".unit IN ", Placeholders(grant.units.size()));
      params.insert(params.end(), grant.units.begin(), grant.units.end());
    }
    ways.push_back(absl::StrCat(way, ")"));
  }
  return ways.empty() ? "FALSE" : absl::StrCat("(", absl::StrJoin(ways, " OR "), ")");
}

}  // namespace

mysql::Statement RenderTaskFilter(const TaskFilter& filter) {
  mysql::Statement condition;
  condition.sql = Held("t", filter, condition.params);
  // A step that asks for two units has two rows; both must be held.
  absl::StrAppend(&condition.sql,
                  " AND NOT EXISTS (SELECT 1 FROM document_tasks o WHERE o.resource = t.resource "
                  "AND o.verb = t.verb AND NOT ",
                  Held("o", filter, condition.params), ") AND NOT FIND_IN_SET(?, t.barred_actors)");
  condition.params.emplace_back(filter.caller);
  return condition;
}

}  // namespace quartermaster::document
