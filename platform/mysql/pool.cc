#include "platform/mysql/pool.h"

#include <algorithm>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"
#include "platform/status/error.h"

namespace quartermaster::mysql {
namespace {

constexpr absl::Duration kJudgmentTimeMax = absl::Seconds(2);

}  // namespace

Lease::Lease(Lease&& other) noexcept
    : pool_(other.pool_), connection_(std::move(other.connection_)) {}

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    GiveBack();
    pool_ = other.pool_;
    connection_ = std::move(other.connection_);
  }
  return *this;
}

Lease::~Lease() { GiveBack(); }

void Lease::GiveBack() {
  if (connection_ != nullptr) pool_->GiveBack(std::move(connection_));
}

Pool::Pool(PoolOptions options) : options_(std::move(options)) { QM_CHECK(options_.size_max > 0); }

Pool::~Pool() {
  base::MutexLock lock(&mutex_);
  QM_CHECK(leased_count_ == 0 && waiters_.empty());
}

absl::StatusOr<Lease> Pool::Acquire(absl::Time deadline) {
  {
    base::MutexLock lock(&mutex_);
    if (leased_count_ < options_.size_max && waiters_.empty()) {
      ++leased_count_;
    } else {
      Waiter waiter;
      waiters_.push_back(&waiter);
      if (!waiter.served.AwaitWithDeadline(&mutex_, deadline,
                                           [&waiter] { return waiter.is_served; })) {
        waiters_.erase(std::find(waiters_.begin(), waiters_.end(), &waiter));
        return status::Overloaded(
            absl::StrCat("all ", options_.size_max, " database connections are busy"),
            absl::Milliseconds(200));
      }
    }
  }
  absl::StatusOr<std::unique_ptr<Connection>> connection = TakeOrOpen();
  if (!connection.ok()) {
    base::MutexLock lock(&mutex_);
    ReleasePlace();
    return std::move(connection).status();
  }
  return Lease(*this, *std::move(connection));
}

absl::StatusOr<std::unique_ptr<Connection>> Pool::TakeOrOpen() {
  while (true) {
    Idle idle;
    {
      base::MutexLock lock(&mutex_);
      if (idle_.empty()) break;
      idle = std::move(idle_.back());
      idle_.pop_back();
    }
    const bool is_fresh = absl::Now() - idle.since < options_.ping_after_idle;
    if (is_fresh || idle.connection->Ping()) return std::move(idle.connection);
  }
  QM_ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection,
                      Connection::Open(options_.connection));
  connection->alerts_ = &counters_.alerts;
  Remember(connection->durability());
  return connection;
}

absl::StatusOr<std::unique_ptr<Connection>> Pool::OpenFresh(absl::Duration timeout) {
  ConnectionOptions options = options_.connection;
  options.connect_timeout = std::min(options.connect_timeout, timeout);
  options.read_timeout = std::min(options.read_timeout, timeout);
  return Connection::Open(options);
}

void Pool::GiveBack(std::unique_ptr<Connection> connection) {
  connection->set_read_deadline(absl::InfiniteFuture());
  const bool is_reusable = connection->usable() &&
                           connection->transaction_state() == Connection::TransactionState::kNone;
  // Links seldom break alone: after one did, the idle ones are opened anew rather than tried.
  std::vector<Idle> closing;
  {
    base::MutexLock lock(&mutex_);
    if (is_reusable) {
      idle_.push_back({std::move(connection), absl::Now()});
    } else if (!connection->usable()) {
      closing.swap(idle_);
    }
    if (connection == nullptr) ReleasePlace();
  }
  if (connection == nullptr) return;
  // Closed before its place is free, so that the server never sees more than `size_max`.
  connection.reset();
  closing.clear();
  base::MutexLock lock(&mutex_);
  ReleasePlace();
}

void Pool::ReleasePlace() {
  if (waiters_.empty()) {
    --leased_count_;
    return;
  }
  waiters_.front()->is_served = true;
  waiters_.front()->served.Signal();
  waiters_.pop_front();
}

absl::StatusOr<DurabilityReport> Pool::JudgeDurability() {
  {
    base::MutexLock lock(&mutex_);
    if (judgment_.has_value() && absl::Now() - judgment_->time < options_.durability_age_max) {
      return judgment_->report;
    }
  }
  // A new session, since those that are open keep the binary log's format they began with.
  QM_ASSIGN_OR_RETURN(const std::unique_ptr<Connection> fresh, OpenFresh(kJudgmentTimeMax));
  return Remember(fresh->durability());
}

DurabilityReport Pool::Remember(const DurabilityReport& report) {
  base::MutexLock lock(&mutex_);
  judgment_ = {report, absl::Now()};
  return report;
}

int Pool::waiting_count() const {
  base::MutexLock lock(&mutex_);
  return static_cast<int>(waiters_.size());
}

int Pool::leased_count() const {
  base::MutexLock lock(&mutex_);
  return leased_count_;
}

}  // namespace quartermaster::mysql
