#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inventory-svc/domain/unit_directory.h"
#include "platform/mysql/pool.h"
#include "platform/records/page.h"

namespace quartermaster::inventory {

// Whose the records of this service are: a unit's and its locations' the unit's; a movement's and a
// transfer's those of all units that they touch; a lot's its owner's; an item's everybody's.
//
// A unit that another replica made is taken into the tree before it is named here: who judged it by
// an older tree would pass its records over for good. Thread-safe. What it is given must outlive
// it.
class MysqlRecordScopes final : public records::RecordScopes {
 public:
  MysqlRecordScopes(mysql::Pool& pool, UnitDirectory& units) : pool_(pool), units_(units) {}

  absl::StatusOr<std::vector<records::Scope>> FindScopes(
      absl::Time deadline, const std::vector<records::SealedRecord>& sealed) override;

 private:
  mysql::Pool& pool_;
  UnitDirectory& units_;
};

}  // namespace quartermaster::inventory
