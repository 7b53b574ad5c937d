#include "tests/harness/fake_stock_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/base/status_macros.h"
#include "platform/status/error.h"

namespace quartermaster::inventory {
namespace {

constexpr absl::Duration kLockWait = absl::Seconds(5);

using PaperKey = std::tuple<std::string, std::string, int32_t>;

PaperKey ToKey(const SourceDocument& paper) { return {paper.issuer, paper.number, paper.line}; }

std::string BalanceRow(BalanceId id) { return absl::StrCat("balance ", ToNumber(id)); }

bool HasRequest(const MovementRecord& record, const RequestKey& request) {
  return !record.movement.document.has_value() && record.movement.caller == request.caller &&
         record.request_id == request.request_id;
}

}  // namespace

int64_t Books::QuantityOf(const BalanceKey& key) const {
  const auto balance = balances.find(key);
  return balance == balances.end() ? 0 : balance->second.quantity;
}

// One transaction: what it holds locked and what it has written, seen by itself alone.
class FakeStockStore::Transaction final : public StockBook {
 public:
  explicit Transaction(FakeStockStore& store) : store_(store) {}
  // However it ends, by an actor's crash too, its locks go and what it did not commit is gone.
  ~Transaction() override { store_.Release(*this); }

  absl::StatusOr<Found> LockAndFind(const Wanted& wanted) override {
    Found found;
    QM_RETURN_IF_ERROR(LockBalances(wanted.balances, found.balances));
    if (!wanted.requests.empty()) {
      store_.Step("looks requests up");
      base::MutexLock lock(&store_.mutex_);
      for (const RequestKey& request : wanted.requests) {
        std::optional<EarlierRequest> earlier = FindOwn(request);
        if (!earlier.has_value()) earlier = store_.FindCommitted(request);
        if (earlier.has_value()) found.requests[request] = *std::move(earlier);
      }
    }
    if (!wanted.papers.empty()) {
      store_.Step("looks papers up");
      base::MutexLock lock(&store_.mutex_);
      for (const SourceDocument& paper : wanted.papers) {
        const auto holder = store_.books_.papers.find(ToKey(paper));
        if (holder != store_.books_.papers.end()) found.papers.emplace_back(paper, holder->second);
      }
    }
    return found;
  }

  absl::StatusOr<std::optional<Movement>> LockMovement(const base::Uuid& movement_id) override {
    QM_RETURN_IF_ERROR(store_.Lock(*this, absl::StrCat("movement ", movement_id.ToString()), true));
    base::MutexLock lock(&store_.mutex_);
    return store_.FindCommitted(movement_id);
  }

  absl::StatusOr<std::vector<Movement>> FindMovements(
      const std::vector<base::Uuid>& movement_ids) override {
    std::vector<Movement> found;
    if (movement_ids.empty()) return found;
    store_.Step("looks movements up");
    base::MutexLock lock(&store_.mutex_);
    for (const base::Uuid& movement_id : movement_ids) {
      std::optional<Movement> movement = store_.FindCommitted(movement_id);
      if (movement.has_value()) found.push_back(*std::move(movement));
    }
    return found;
  }

  absl::StatusOr<std::vector<int64_t>> SumReserved(
      const std::vector<std::pair<LocationId, LotId>>& places) override {
    store_.Step("sums what is reserved");
    base::MutexLock lock(&store_.mutex_);
    std::vector<int64_t> sums;
    for (const auto& [location, lot] : places) {
      int64_t& sum = sums.emplace_back(0);
      for (const auto& [key, balance] : store_.books_.balances) {
        if (key.location != location || key.lot != lot || key.state != State::kReserved) continue;
        const auto own = written_.find(balance.id);
        sum += own != written_.end() ? own->second.quantity : balance.quantity;
      }
    }
    return sums;
  }

  absl::Status Record(const TurnRecord& turn) override {
    store_.Step("records");
    for (const Balance& balance : turn.balances_after) {
      if (!held_.contains(BalanceRow(balance.id))) {
        return status::Internal("a balance is written that was not locked");
      }
      if (IsInside(balance.key.state) && balance.quantity < 0) {
        return status::Internal("an inside balance would be negative");
      }
    }
    for (const MovementRecord& record : turn.movements) {
      if (store_.options_.check_movement) {
        QM_RETURN_IF_ERROR(store_.options_.check_movement(record));
      }
    }
    // Each table in its turn, rows in the order in which they come.
    for (const MovementRecord& record : turn.movements) {
      // Others may come between one row and the next.
      QM_RETURN_IF_ERROR(LockRequest(record, &record != &turn.movements.front()));
    }
    for (const MovementRecord& record : turn.movements) QM_RETURN_IF_ERROR(LockReversal(record));
    std::vector<const MovementRecord*> with_papers;
    for (const MovementRecord& record : turn.movements) {
      if (record.movement.source_document.has_value()) with_papers.push_back(&record);
    }
    std::ranges::sort(with_papers, {}, [](const MovementRecord* record) {
      return ToKey(*record->movement.source_document);
    });
    for (const MovementRecord* record : with_papers) QM_RETURN_IF_ERROR(LockPaper(*record));
    for (const Balance& balance : turn.balances_after) written_[balance.id] = balance;
    movements_.insert(movements_.end(), turn.movements.begin(), turn.movements.end());
    return absl::OkStatus();
  }

  // The step between the two is what makes them differ nowhere else.
  absl::Status RecordAndCommit(const TurnRecord& turn) override { return Record(turn); }

  // Makes everything visible. The store's mutex is held.
  void Apply(Books& books) const {
    for (const auto& [id, balance] : written_) books.balances[balance.key] = balance;
    for (const MovementRecord& record : movements_) {
      const Movement& movement = record.movement;
      if (movement.source_document.has_value()) {
        books.papers[ToKey(*movement.source_document)] = movement.movement_id;
      }
      if (movement.reverses.has_value()) {
        std::erase_if(books.papers,
                      [&](const auto& paper) { return paper.second == *movement.reverses; });
      }
      books.movements.push_back(record);
    }
  }

  bool wants_rerun() const { return wants_rerun_; }
  std::set<std::string>& held() { return held_; }
  const std::set<std::string>& held() const { return held_; }

  absl::Status RunAgain(absl::string_view why) {
    wants_rerun_ = true;
    return status::MakeError(absl::StatusCode::kAborted, why, {.reason = "CONTENTION"});
  }

 private:
  absl::Status LockBalances(const std::vector<BalanceKey>& keys, std::vector<Balance>& balances) {
    std::map<BalanceId, BalanceKey> rows;
    {
      base::MutexLock lock(&store_.mutex_);
      for (const BalanceKey& key : keys) {
        const auto made = store_.books_.balances.find(key);
        if (made == store_.books_.balances.end()) return RunAgain("a balance row is missing");
        rows[made->second.id] = key;
      }
    }
    for (const auto& [id, key] : rows) {
      QM_RETURN_IF_ERROR(store_.Lock(*this, BalanceRow(id), true));
      const auto own = written_.find(id);
      base::MutexLock lock(&store_.mutex_);
      balances.push_back(own != written_.end() ? own->second : store_.books_.balances.at(key));
    }
    return absl::OkStatus();
  }

  // What this transaction wrote itself.
  std::optional<EarlierRequest> FindOwn(const RequestKey& request) const {
    for (const MovementRecord& record : movements_) {
      if (HasRequest(record, request)) {
        return EarlierRequest{.movement = record.movement, .content_hash = record.content_hash};
      }
    }
    return std::nullopt;
  }

  // As unique indexes do: each waits for whoever is about to insert the same key, then looks.
  absl::Status LockRequest(const MovementRecord& record, bool is_step) {
    if (record.movement.document.has_value()) return absl::OkStatus();
    const RequestKey request = {.caller = record.movement.caller, .request_id = record.request_id};
    QM_RETURN_IF_ERROR(store_.Lock(
        *this, absl::StrCat("request ", request.caller, " ", request.request_id.ToString()),
        is_step));
    base::MutexLock lock(&store_.mutex_);
    if (store_.HasPosted(request)) return RunAgain("a twin was first");
    return absl::OkStatus();
  }

  absl::Status LockReversal(const MovementRecord& record) {
    if (!record.movement.reverses.has_value()) return absl::OkStatus();
    const base::Uuid& original_id = *record.movement.reverses;
    QM_RETURN_IF_ERROR(
        store_.Lock(*this, absl::StrCat("reversal of ", original_id.ToString()), false));
    base::MutexLock lock(&store_.mutex_);
    const std::optional<Movement> original = store_.FindCommitted(original_id);
    if (original.has_value() && original->reversed_by.has_value()) {
      return RunAgain("another reversal was first");
    }
    return absl::OkStatus();
  }

  absl::Status LockPaper(const MovementRecord& record) {
    const PaperKey key = ToKey(*record.movement.source_document);
    const auto& [issuer, number, line] = key;
    QM_RETURN_IF_ERROR(
        store_.Lock(*this, absl::StrCat("paper ", issuer, " ", number, " ", line), false));
    base::MutexLock lock(&store_.mutex_);
    if (store_.books_.papers.contains(key)) return RunAgain("the paper was posted meanwhile");
    return absl::OkStatus();
  }

  FakeStockStore& store_;
  std::set<std::string> held_;
  std::map<BalanceId, Balance> written_;
  std::vector<MovementRecord> movements_;
  bool wants_rerun_ = false;
};

FakeStockStore::FakeStockStore(std::vector<LotRow> lots, const Options& options)
    : lots_(std::move(lots)), options_(options) {}

void FakeStockStore::Step(absl::string_view what) {
  if (options_.scheduler != nullptr) options_.scheduler->Step(what);
}

absl::Status FakeStockStore::Lock(Transaction& transaction, const std::string& row, bool is_step) {
  const auto is_free = [&] {
    const auto holder = locks_.find(row);
    return holder == locks_.end() || holder->second == &transaction;
  };
  if (options_.scheduler != nullptr) {
    const auto is_free_now = [&] {
      base::MutexLock lock(&mutex_);
      return is_free();
    };
    if (is_step || !is_free_now()) {
      options_.scheduler->Step(absl::StrCat("locks ", row), is_free_now);
    }
  }
  base::MutexLock lock(&mutex_);
  ++waiting_count_;
  const bool is_mine = released_.AwaitWithTimeout(&mutex_, kLockWait, is_free);
  --waiting_count_;
  if (!is_mine) {
    return transaction.RunAgain(absl::StrCat("waited too long for ", row));
  }
  locks_[row] = &transaction;
  transaction.held().insert(row);
  return absl::OkStatus();
}

void FakeStockStore::Release(const Transaction& transaction) {
  base::MutexLock lock(&mutex_);
  for (const std::string& row : transaction.held()) locks_.erase(row);
  released_.SignalAll();
}

FakeStockStore::CommitOutcome FakeStockStore::ChooseOutcome() {
  {
    base::MutexLock lock(&mutex_);
    if (lost_commit_count_ >= options_.lost_commit_count_max) return CommitOutcome::kAnswered;
  }
  const auto outcome =
      static_cast<CommitOutcome>(options_.scheduler->Choose("what becomes of the COMMIT", 3));
  base::MutexLock lock(&mutex_);
  if (outcome != CommitOutcome::kAnswered) ++lost_commit_count_;
  return outcome;
}

absl::Status FakeStockStore::Attempt(absl::FunctionRef<absl::Status(StockBook&)> body,
                                     bool& wants_rerun) {
  Transaction transaction(*this);
  const absl::Status status = body(transaction);
  wants_rerun = transaction.wants_rerun();
  if (!status.ok()) return status;
  Step("commits");
  const CommitOutcome outcome = ChooseOutcome();
  if (outcome != CommitOutcome::kAnswered) {
    // Others go on while the old session still holds its locks. It is over before the body runs
    // again: that is what the real one kills it and waits for.
    wants_rerun = true;
    Step("waits until the lost session is gone");
  }
  if (outcome != CommitOutcome::kLostWithoutEffect) {
    base::MutexLock lock(&mutex_);
    transaction.Apply(books_);
  }
  if (outcome != CommitOutcome::kAnswered) return status::OutcomeUnknown();
  return absl::OkStatus();
}

absl::Status FakeStockStore::Atomically(absl::Time /*deadline*/,
                                        absl::FunctionRef<absl::Status(StockBook&)> body) {
  for (int attempt = 0;; ++attempt) {
    bool wants_rerun = false;
    const absl::Status status = Attempt(body, wants_rerun);
    if (status.ok()) {
      if (options_.scheduler != nullptr) options_.scheduler->CrashPoint("before it can answer");
      return status;
    }
    if (!wants_rerun || attempt >= options_.rerun_count_max) return status;
    base::MutexLock lock(&mutex_);
    ++rerun_count_;
  }
}

absl::Status FakeStockStore::MakeBalances(absl::Time /*deadline*/, std::vector<BalanceKey> keys) {
  Step("makes balances");
  std::ranges::sort(keys);
  base::MutexLock lock(&mutex_);
  for (const BalanceKey& key : keys) {
    if (books_.balances.contains(key)) continue;
    books_.balances[key] = {
        .id = BalanceId{++last_balance_id_}, .key = key, .last_record_time = absl::UnixEpoch()};
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<EarlierRequest>> FakeStockStore::FindRequest(
    absl::Time /*deadline*/, const RequestKey& request) {
  Step("looks the request up");
  base::MutexLock lock(&mutex_);
  return FindCommitted(request);
}

bool FakeStockStore::MayBeOneMovementsFault(const absl::Status& status) const {
  return status::GetReason(status) == "CONTENTION" || absl::IsOutOfRange(status);
}

void FakeStockStore::AddDocumentRequest(const RequestKey& request) {
  base::MutexLock lock(&mutex_);
  books_.document_requests.insert(request);
}

absl::StatusOr<std::optional<Movement>> FakeStockStore::FindMovement(
    absl::Time /*deadline*/, const base::Uuid& movement_id) {
  Step("looks the movement up");
  base::MutexLock lock(&mutex_);
  return FindCommitted(movement_id);
}

// No step: lots never change, so it does not matter when they are read.
absl::StatusOr<std::vector<LotRow>> FakeStockStore::FindLots(
    absl::Time /*deadline*/, const std::vector<std::string>& names) {
  std::vector<LotRow> found;
  for (const LotRow& row : lots_) {
    if (std::ranges::count(names, row.lot.name) > 0) found.push_back(row);
  }
  return found;
}

Books FakeStockStore::books() const {
  base::MutexLock lock(&mutex_);
  return books_;
}

int64_t FakeStockStore::rerun_count() const {
  base::MutexLock lock(&mutex_);
  return rerun_count_;
}

int64_t FakeStockStore::waiting_count() const {
  base::MutexLock lock(&mutex_);
  return waiting_count_;
}

std::optional<EarlierRequest> FakeStockStore::FindCommitted(const RequestKey& request) const {
  for (const MovementRecord& record : books_.movements) {
    if (HasRequest(record, request)) {
      return EarlierRequest{.movement = record.movement, .content_hash = record.content_hash};
    }
  }
  if (books_.document_requests.contains(request)) return EarlierRequest();
  return std::nullopt;
}

bool FakeStockStore::HasPosted(const RequestKey& request) const {
  return std::ranges::any_of(
      books_.movements, [&](const MovementRecord& record) { return HasRequest(record, request); });
}

std::optional<Movement> FakeStockStore::FindCommitted(const base::Uuid& movement_id) const {
  std::optional<Movement> found;
  for (const MovementRecord& record : books_.movements) {
    if (record.movement.movement_id == movement_id) found = record.movement;
  }
  if (!found.has_value()) return found;
  for (const MovementRecord& record : books_.movements) {
    if (record.movement.reverses == movement_id) found->reversed_by = record.movement.movement_id;
  }
  return found;
}

std::vector<std::string> FindViolations(const Books& books) {
  std::vector<std::string> violations;
  std::map<LotId, int64_t> sums;
  std::map<BalanceKey, int64_t> by_lines;
  std::set<std::pair<std::string, base::Uuid>> requests;
  std::set<base::Uuid> reversed;
  for (const MovementRecord& record : books.movements) {
    const Movement& movement = record.movement;
    for (const ResolvedLine& line : record.lines) {
      by_lines[line.source] -= line.base_quantity;
      by_lines[line.destination] += line.base_quantity;
    }
    if (!movement.document.has_value() &&
        !requests.insert({movement.caller, record.request_id}).second) {
      violations.push_back(absl::StrCat("request ", record.request_id.ToString(), " of ",
                                        movement.caller, " is in the books twice"));
    }
    if (movement.reverses.has_value() && !reversed.insert(*movement.reverses).second) {
      violations.push_back(
          absl::StrCat("movement ", movement.reverses->ToString(), " is reversed twice"));
    }
  }
  for (const auto& [key, balance] : books.balances) {
    sums[key.lot] += balance.quantity;
    const std::string account =
        absl::StrCat("location ", ToNumber(key.location), " ", ToName(key.state));
    if (IsInside(key.state) && balance.quantity < 0) {
      violations.push_back(absl::StrCat(account, " holds ", balance.quantity));
    }
    if (balance.quantity != by_lines[key]) {
      violations.push_back(absl::StrCat(account, " holds ", balance.quantity,
                                        ", but its lines add up to ", by_lines[key]));
    }
  }
  for (const auto& [lot, sum] : sums) {
    if (sum != 0) violations.push_back(absl::StrCat("lot ", ToNumber(lot), " sums to ", sum));
  }
  for (const auto& [paper, movement_id] : books.papers) {
    if (reversed.contains(movement_id)) {
      violations.push_back(absl::StrCat("the paper of ", movement_id.ToString(),
                                        ", which is reversed, is still taken"));
    }
  }
  return violations;
}

}  // namespace quartermaster::inventory
