#include "tests/history/item_history.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "platform/base/check.h"

namespace quartermaster::testing {
namespace {

std::string AccountName(const ItemHistory& history, int account) {
  if (account == kOutside) return "outside";
  const auto place = static_cast<size_t>(account);
  return place < history.accounts.size() ? history.accounts[place]
                                         : absl::StrCat("account ", account);
}

std::string DescribeQuestion(const ItemHistory& history, const Operation& operation) {
  if (operation.kind == Operation::Kind::kRead) return "read";
  return absl::StrJoin(operation.steps, ", ", [&](std::string* out, const StockStep& step) {
    absl::StrAppend(out, step.quantity, " ", AccountName(history, step.source), " -> ",
                    AccountName(history, step.destination));
  });
}

std::string DescribeAnswer(const ItemHistory& history, const Operation& operation) {
  if (operation.outcome == Operation::Outcome::kUnknown) return "no answer that tells";
  if (operation.outcome == Operation::Outcome::kRefused) {
    return absl::StrCat("refused: line ", operation.short_step + 1, " found ", operation.available);
  }
  if (operation.kind == Operation::Kind::kPost) return "posted";
  std::string answer;
  for (size_t i = 0; i < operation.amounts.size(); ++i) {
    const int account = operation.first_account + static_cast<int>(i);
    absl::StrAppend(&answer, i == 0 ? "" : ", ", AccountName(history, account), " ",
                    operation.amounts[i]);
  }
  return answer;
}

}  // namespace

HistoryRecorder::HistoryRecorder(std::string item, std::vector<std::string> accounts,
                                 size_t operations_max)
    : item_(std::move(item)), accounts_(std::move(accounts)), operations_max_(operations_max) {
  history_.item = item_;
  history_.accounts = accounts_;
  history_.initial_amounts.assign(accounts_.size(), 0);
}

absl::Duration HistoryRecorder::Now() {
  static const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  return absl::FromChrono(std::chrono::steady_clock::now() - start);
}

size_t HistoryRecorder::Add(Operation operation) {
  base::MutexLock lock(&mutex_);
  history_.operations.push_back(std::move(operation));
  return history_.operations.size() - 1;
}

void HistoryRecorder::Acknowledge(size_t place, absl::Duration return_time) {
  base::MutexLock lock(&mutex_);
  Operation& operation = history_.operations[place];
  QM_CHECK(operation.outcome == Operation::Outcome::kUnknown);
  operation.outcome = Operation::Outcome::kDone;
  operation.return_time = return_time;
}

void HistoryRecorder::Refuse(size_t place, absl::Duration return_time, size_t short_step,
                             int64_t available) {
  base::MutexLock lock(&mutex_);
  Operation& operation = history_.operations[place];
  QM_CHECK(operation.outcome == Operation::Outcome::kUnknown);
  operation.outcome = Operation::Outcome::kRefused;
  operation.return_time = return_time;
  operation.short_step = short_step;
  operation.available = available;
}

void HistoryRecorder::RefuseRepetition(size_t place, absl::Duration invoke_time,
                                       absl::Duration return_time, size_t short_step,
                                       int64_t available) {
  base::MutexLock lock(&mutex_);
  Operation refusal = history_.operations[place];
  refusal.not_before.reset();
  refusal.outcome = Operation::Outcome::kRefused;
  refusal.asker += ", again";
  refusal.invoke_time = invoke_time;
  refusal.return_time = return_time;
  refusal.short_step = short_step;
  refusal.available = available;
  history_.operations.push_back(std::move(refusal));
  history_.operations[place].not_before = history_.operations.size() - 1;
}

bool HistoryRecorder::is_full() const {
  base::MutexLock lock(&mutex_);
  return history_.operations.size() >= operations_max_;
}

ItemHistory HistoryRecorder::history() const {
  base::MutexLock lock(&mutex_);
  return history_;
}

std::string Describe(const ItemHistory& history, size_t place) {
  const Operation& operation = history.operations[place];
  const std::string returned =
      operation.outcome == Operation::Outcome::kUnknown
          ? "?"
          : absl::StrFormat("%.3f", absl::ToDoubleMilliseconds(operation.return_time));
  return absl::StrFormat("#%-5d %12.3f .. %12s ms  %-14s %s: %s", place,
                         absl::ToDoubleMilliseconds(operation.invoke_time), returned,
                         operation.asker, DescribeQuestion(history, operation),
                         DescribeAnswer(history, operation));
}

}  // namespace quartermaster::testing
