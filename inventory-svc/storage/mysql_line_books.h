#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "inventory-svc/domain/line_books.h"
#include "platform/mysql/pool.h"

namespace quartermaster::inventory {

// The lines behind the balances in MySQL tables. Plain reads, each a statement of its own: they
// lock nothing and keep no snapshot alive. Thread-safe. The pool must outlive it.
class MysqlLineBooks final : public LineBooks {
 public:
  explicit MysqlLineBooks(mysql::Pool& reports) : reports_(reports) {}

  absl::StatusOr<int64_t> CountBalances(absl::Time deadline, std::optional<ItemId> item) override;
  absl::StatusOr<std::vector<StandingBalance>> ListBalances(absl::Time deadline,
                                                            std::optional<ItemId> item,
                                                            const BalancePlace& after,
                                                            int limit) override;
  absl::StatusOr<std::vector<SpanCut>> CutSpans(absl::Time deadline,
                                                const std::vector<LineSpan>& spans,
                                                int64_t limit) override;
  absl::StatusOr<std::vector<LineSum>> SumLines(absl::Time deadline,
                                                const std::vector<LineSpan>& spans,
                                                const Moment& moment) override;
  absl::StatusOr<std::vector<absl::int128>> ReadHistory(absl::Time deadline,
                                                        const std::vector<BalanceId>& balances,
                                                        const Moment& moment) override;
  absl::StatusOr<std::vector<BalanceRow>> NameBalances(
      absl::Time deadline, const std::vector<BalanceId>& balances) override;

 private:
  mysql::Pool& reports_;
};

// The statements behind these, for a test that asks the server how it would run them.
std::string BalancesBehindStatement(std::optional<ItemId> item, const BalancePlace& after,
                                    int limit);
std::string CutSpansStatement(const std::vector<LineSpan>& spans, int64_t limit);
absl::StatusOr<std::string> SumLinesStatement(const std::vector<LineSpan>& spans,
                                              const Moment& moment);

}  // namespace quartermaster::inventory
