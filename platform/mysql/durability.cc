#include "platform/mysql/durability.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace quartermaster::mysql {
namespace {

constexpr struct {
  const char* variable;
  const char* wanted;
  const char* reason;
} kWanted[] = {
    {"innodb_flush_log_at_trx_commit", "1", "or a crash loses acknowledged writes"},
    {"sync_binlog", "1", "or the binary log can lag behind what was acknowledged"},
    {"log_bin", "ON", "or there is nothing to restore or replicate from"},
    {"binlog_format", "ROW", "or a replay of the binary log may come to other rows"},
    {"sql_log_bin", "ON", "or this session's writes miss the binary log"},
    {"read_only", "OFF", "or nothing can be written"},
};

}  // namespace

std::string DurabilityReport::ToString() const {
  return ok() ? "durable" : absl::StrJoin(shortcomings, "; ");
}

DurabilityReport CheckDurability(const std::map<std::string, std::string>& variables) {
  DurabilityReport report;
  const auto value_of = [&](const char* variable) {
    const auto found = variables.find(variable);
    return found == variables.end() ? std::string("unknown") : found->second;
  };
  for (const auto& [variable, wanted, reason] : kWanted) {
    const std::string value = value_of(variable);
    if (value != wanted) {
      report.shortcomings.push_back(
          absl::StrCat(variable, " is ", value, " and must be ", wanted, ", ", reason));
    }
  }
  const std::string sql_mode = value_of("sql_mode");
  if (!absl::StrContains(sql_mode, "STRICT_TRANS_TABLES")) {
    report.shortcomings.push_back(absl::StrCat(
        "sql_mode is ", sql_mode, " and must hold STRICT_TRANS_TABLES, or values are cut to fit"));
  }
  return report;
}

}  // namespace quartermaster::mysql
