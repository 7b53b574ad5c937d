#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "inventory-svc/domain/as_of.h"
#include "inventory-svc/domain/stock_queries.h"
#include "platform/mysql/connection.h"

// The tables of the history, for the one who writes them and those who read them.
//
// Every look-up names its balance and its bounds by literals, one SELECT each in one UNION: from
// those the server makes one dive into an index each. With bounds taken from a joined row it would
// read the balance's whole history (a test reads EXPLAIN).
namespace quartermaster::inventory {

// The latest checkpoint of a balance that serves a question.
struct Checkpoint {
  // `YYYY-MM-DD`: what happened before that day began is counted, ...
  std::string day;
  // ... if its record is not after this one.
  int64_t built_through = 0;
  absl::int128 quantity = 0;
};

// What an occurred clock's sum is asked for: lines that occurred before `end_time` (not included)
// of the records up to `sequence`.
struct OccurredBounds {
  absl::Time end_time;
  int64_t sequence = 0;
};

// Of every record, whenever it occurred.
OccurredBounds AnyTime();

// Renders the condition that the record with the alias `record` is within `moment`.
absl::StatusOr<std::string> WithinMoment(absl::string_view record, const Moment& moment);

// Renders a time as a literal with its quotes.
absl::StatusOr<std::string> TimeLiteral(absl::Time time);

// Finds the latest checkpoint of each of `balance_ids` that counts nothing beyond `bounds`; those
// that have none are missing.
absl::StatusOr<std::map<int64_t, Checkpoint>> FindCheckpoints(
    mysql::Connection& connection, const std::vector<int64_t>& balance_ids,
    const OccurredBounds& bounds);

// Sums what came for each balance after its checkpoint was built and occurred before its day, up to
// the record `sequence`; those without any are missing.
absl::StatusOr<std::map<int64_t, absl::int128>> SumLateLines(
    mysql::Connection& connection, const std::map<int64_t, Checkpoint>& checkpoints,
    int64_t sequence);

// Returns what each of `balance_ids` held as of the record `sequence`; zeros are missing.
absl::StatusOr<std::map<int64_t, int64_t>> ReadRecorded(mysql::Connection& connection,
                                                        const std::vector<int64_t>& balance_ids,
                                                        int64_t sequence);

// Returns what each of `balance_ids` had by the occurred clock within `bounds`: the checkpoint, the
// lines of the days since, and the late ones. Zeros may be missing.
absl::StatusOr<std::map<int64_t, absl::int128>> ReadOccurred(
    mysql::Connection& connection, const std::vector<int64_t>& balance_ids,
    const OccurredBounds& bounds);

// Returns what each of `balance_ids` held at `moment`, by whichever clock it asks. Zeros may be
// missing.
absl::StatusOr<std::map<int64_t, absl::int128>> ReadHeld(mysql::Connection& connection,
                                                         const std::vector<int64_t>& balance_ids,
                                                         const Moment& moment);

// What `ReadBalanceRow` reads, of balances `b`, locations `l`, items `i` and lots `t`.
inline constexpr char kBalanceRowColumns[] =
    "b.balance_id, l.name, b.state, b.holder, i.name, t.name, b.item_id";
BalanceRow ReadBalanceRow(mysql::Row row, int64_t quantity);

// The statements behind these, for a test that asks the server how it would run them.
std::string RecordedStatement(const std::vector<int64_t>& balance_ids, int64_t sequence);
absl::StatusOr<std::string> SinceStatement(const std::vector<int64_t>& balance_ids,
                                           const std::map<int64_t, Checkpoint>& checkpoints,
                                           const OccurredBounds& bounds);
std::string LateStatement(const std::map<int64_t, Checkpoint>& checkpoints, int64_t sequence);
absl::StatusOr<std::string> CheckpointStatement(const std::vector<int64_t>& balance_ids,
                                                const OccurredBounds& bounds);

// Reads a DECIMAL without a fraction; SQL NULL is zero.
absl::int128 ReadDecimal(mysql::Row row, size_t column);
std::string ToText(absl::int128 number);

}  // namespace quartermaster::inventory
