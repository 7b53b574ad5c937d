#include "inventory-svc/storage/balance_tails.h"

#include <algorithm>

#include "absl/time/civil_time.h"
#include "inventory-svc/storage/history_rows.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"

namespace quartermaster::inventory {
namespace {

constexpr size_t kTailsPerStatement = 500;

absl::Time StartOf(const std::string& day) {
  absl::CivilDay civil;
  QM_CHECK(absl::ParseCivilTime(day, &civil));
  return absl::FromCivil(civil, absl::UTCTimeZone());
}

// Adds the tails of `balance_ids` to `tails`.
absl::Status ReadTails(mysql::Connection& connection, const std::vector<int64_t>& balance_ids,
                       int64_t sequence, std::map<int64_t, BalanceTail>& tails) {
  using Quantities = std::map<int64_t, int64_t>;
  QM_ASSIGN_OR_RETURN(const Quantities quantities, ReadRecorded(connection, balance_ids, sequence));
  using Checkpoints = std::map<int64_t, Checkpoint>;
  QM_ASSIGN_OR_RETURN(const Checkpoints checkpoints,
                      FindCheckpoints(connection, balance_ids, AnyTime()));
  for (const int64_t id : balance_ids) tails.try_emplace(id);
  for (const auto& [id, quantity] : quantities) tails[id].quantity = quantity;
  for (const auto& [id, checkpoint] : checkpoints) {
    tails[id].checkpoint_time = StartOf(checkpoint.day);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::map<int64_t, BalanceTail>> BalanceTails::Find(
    mysql::Connection& connection, const std::vector<int64_t>& balance_ids,
    const HistoryEnd& end) const {
  std::map<int64_t, BalanceTail> found;
  std::vector<int64_t> missing;
  for (const int64_t id : balance_ids) {
    const auto kept = end == end_ ? tails_.find(id) : tails_.end();
    if (kept != tails_.end()) {
      found.emplace(id, kept->second);
    } else {
      missing.push_back(id);
    }
  }
  for (size_t at = 0; at < missing.size(); at += kTailsPerStatement) {
    const size_t part_end = std::min(at + kTailsPerStatement, missing.size());
    QM_RETURN_IF_ERROR(ReadTails(connection, {missing.begin() + at, missing.begin() + part_end},
                                 end.sequence, found));
  }
  return found;
}

void BalanceTails::Keep(const std::map<int64_t, BalanceTail>& tails, const HistoryEnd& before,
                        const HistoryEnd& end) {
  const bool has_new_checkpoints = end.checkpoint_day != before.checkpoint_day ||
                                   end.checkpoint_balance_id != before.checkpoint_balance_id;
  if (end_ != before || has_new_checkpoints || tails_.size() + tails.size() > kTailsMax) {
    tails_.clear();
  }
  if (!has_new_checkpoints) {
    for (const auto& [id, tail] : tails) tails_.insert_or_assign(id, tail);
  }
  end_ = end;
}

}  // namespace quartermaster::inventory
