#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/mysql/pool.h"
#include "platform/records/page.h"

namespace quartermaster::inventory {

// Whose the records of this service are: a unit's and its locations' the unit's; a movement's and a
// transfer's those of all units that they touch; a lot's its owner's; an item's everybody's.
// Thread-safe. The pool must outlive it.
class MysqlRecordScopes final : public records::RecordScopes {
 public:
  explicit MysqlRecordScopes(mysql::Pool& pool) : pool_(pool) {}

  absl::StatusOr<std::vector<records::Scope>> FindScopes(
      absl::Time deadline, const std::vector<records::SealedRecord>& sealed) override;

 private:
  mysql::Pool& pool_;
};

}  // namespace quartermaster::inventory
