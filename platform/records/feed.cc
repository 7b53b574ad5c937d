#include "platform/records/feed.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"
#include "platform/log/log.h"
#include "platform/records/chain_store.h"
#include "platform/status/error.h"

namespace quartermaster::records {
namespace {

constexpr absl::Duration kReadTimeMax = absl::Seconds(10);
constexpr absl::Duration kPauseAfterError = absl::Seconds(1);
constexpr absl::Duration kCheckInterval = absl::Seconds(1);
constexpr absl::Duration kRetryWhenFull = absl::Seconds(5);

absl::Status Stopping() {
  return status::MakeError(absl::StatusCode::kUnavailable,
                           "the server is stopping; resume from the last sequence that arrived",
                           {.reason = "SERVER_STOPPING", .retry_after = absl::Seconds(1)});
}

absl::Status TooManyOf(int watcher_count) {
  return status::MakeError(
      absl::StatusCode::kResourceExhausted,
      absl::StrCat("this caller has ", watcher_count, " streams already; no more are allowed"),
      {.reason = "CALLER_OVERLOADED",
       .metadata = {{"streams_max", absl::StrCat(watcher_count)}},
       .retry_after = kRetryWhenFull});
}

absl::Status NotSealed(int64_t after_sequence, int64_t head) {
  return status::MakeError(
      absl::StatusCode::kOutOfRange,
      absl::StrCat("sequence ", after_sequence, " is not sealed here: the last is ", head),
      {.reason = "SEQUENCE_NOT_SEALED", .metadata = {{"sealed_sequence", absl::StrCat(head)}}});
}

}  // namespace

void FeedOptions::Declare(config::Settings& settings) {
  const std::string prefix = absl::StrCat(settings.prefix(), "FEED_");
  settings.Duration(prefix + "POLL_INTERVAL", &poll_interval,
                    {.min = absl::Milliseconds(5),
                     .max = absl::Minutes(1),
                     .help = "How often the feed looks for sealed records."});
  settings.Int(prefix + "PAGE_RECORDS_MAX", &page_records_max,
               {.min = 1,
                .max = 2000,
                .unit = "records",
                .help = "Records that the feed reads at once and sends at once."});
  settings.Int(prefix + "PAGES_MAX", &pages_max,
               {.min = 1,
                .max = 10'000,
                .unit = "pages",
                .help = "Pages kept in memory for all who follow the feed."});
  settings.Int(prefix + "WATCHERS_MAX", &watchers_max,
               {.min = 1,
                .max = 1'000'000,
                .unit = "streams",
                .help = "How many may follow the feed at once; more are refused."});
  settings.Int(prefix + "WATCHERS_PER_CALLER_MAX", &watchers_per_caller_max,
               {.min = 1,
                .max = 1'000'000,
                .unit = "streams",
                .help = "How many of them may be one caller's."});
  settings.Int(prefix + "BATCH_BYTES_MAX", &batch_bytes_max,
               {.min = 1 << 20,
                .max = int64_t{1} << 40,
                .unit = "bytes",
                .help = "Memory of what is on its way to those who follow the feed; while it is "
                        "used up, a stream whose turn comes is ended, and resumed later."});
  settings.Duration(prefix + "WRITE_TIME_MAX", &write_time_max,
                    {.min = absl::Milliseconds(100),
                     .max = absl::Minutes(10),
                     .help = "A stream whose reader does not take a batch for so long is ended."});
  settings.Duration(
      prefix + "WATCH_TIME_MAX", &watch_time_max,
      {.min = absl::Seconds(1), .help = "A stream is ended then, and resumed by its reader."});
}

Feed::Feed(const Pools& pools, RecordScopes& scopes, const base::Clock& clock,
           const FeedOptions& options)
    : pools_(pools), scopes_(scopes), clock_(clock), options_(options) {}

Feed::~Feed() { Stop(); }

void Feed::AddMetrics(telemetry::Metrics& metrics) {
  auto& watchers = metrics.AddGauge("feed_watchers_count", "Streams that follow the feed.").Only();
  auto& waiting =
      metrics.AddGauge("feed_waiting_count", "Streams that wait for what comes next.").Only();
  auto& behind = metrics
                     .AddGauge("feed_records_behind_count",
                               "Records between the head and the watcher that waits furthest back.")
                     .Only();
  auto& head =
      metrics.AddGauge("feed_sequence_count", "Records that the feed has seen sealed.").Only();
  auto& refused =
      metrics.AddGauge("feed_refused_count", "Streams refused because there were too many.").Only();
  auto& bytes =
      metrics.AddGauge("feed_batch_bytes", "Memory of the batches on their way to readers.").Only();
  metrics.BeforeRender([this, &watchers, &waiting, &behind, &head, &refused, &bytes] {
    bytes.Set(static_cast<double>(batch_bytes_));
    base::MutexLock lock(&mutex_);
    watchers.Set(static_cast<double>(members_.size()));
    waiting.Set(static_cast<double>(waiting_.size()));
    behind.Set(waiting_.empty() ? 0 : static_cast<double>(head_ - waiting_.begin()->first.first));
    head.Set(static_cast<double>(head_));
    refused.Set(static_cast<double>(refused_count_));
  });
}

void Feed::Start() {
  thread_ = std::thread([this] {
    const mysql::DatabaseThread database_thread;
    Run();
  });
}

void Feed::Stop() {
  std::vector<std::shared_ptr<Watcher>> watchers;
  {
    base::MutexLock lock(&mutex_);
    is_stopping_ = true;
    changed_.SignalAll();
    for (const auto& [watcher, member] : members_) watchers.push_back(member.watcher);
    members_.clear();
    counts_by_caller_.clear();
    waiting_.clear();
  }
  for (const std::shared_ptr<Watcher>& watcher : watchers) watcher->Fail(Stopping());
  if (thread_.joinable()) thread_.join();
}

absl::Status Feed::Join(const std::shared_ptr<Watcher>& watcher, const std::string& caller,
                        int64_t after_sequence) {
  base::MutexLock lock(&mutex_);
  if (is_stopping_) return Stopping();
  if (members_.size() >= static_cast<size_t>(options_.watchers_max)) {
    ++refused_count_;
    return status::Overloaded("too many follow the feed", kRetryWhenFull);
  }
  const auto count = counts_by_caller_.find(caller);
  if (count != counts_by_caller_.end() && count->second >= options_.watchers_per_caller_max) {
    ++refused_count_;
    return TooManyOf(count->second);
  }
  ++counts_by_caller_[caller];
  members_[watcher.get()] = {.watcher = watcher, .caller = caller, .waits_after = after_sequence};
  waiting_[{after_sequence, watcher.get()}] = watcher;
  has_arrivals_ = true;
  changed_.SignalAll();
  return absl::OkStatus();
}

void Feed::Await(const std::shared_ptr<Watcher>& watcher, int64_t after_sequence) {
  std::shared_ptr<const Page> page;
  int64_t head = 0;
  {
    base::MutexLock lock(&mutex_);
    const auto member = members_.find(watcher.get());
    if (member == members_.end()) return;
    head = head_;
    page = after_sequence < head ? FindCached(PageOf(after_sequence)) : nullptr;
    if (page == nullptr || page->last_sequence <= after_sequence) {
      member->second.waits_after = after_sequence;
      waiting_[{after_sequence, watcher.get()}] = watcher;
      if (after_sequence < head) changed_.SignalAll();
      return;
    }
  }
  watcher->Deliver(page, head);
}

void Feed::Leave(const Watcher* watcher) {
  std::shared_ptr<Watcher> gone;
  base::MutexLock lock(&mutex_);
  const auto member = members_.find(watcher);
  if (member == members_.end()) return;
  // Its last owner, perhaps: not to be destroyed under the lock.
  gone = std::move(member->second.watcher);
  if (member->second.waits_after.has_value()) {
    waiting_.erase({*member->second.waits_after, watcher});
  }
  const auto count = counts_by_caller_.find(member->second.caller);
  if (--count->second == 0) counts_by_caller_.erase(count);
  members_.erase(member);
}

bool Feed::TakeBatchBytes(int64_t bytes) {
  const int64_t before = batch_bytes_.fetch_add(bytes);
  if (before == 0 || before + bytes <= options_.batch_bytes_max) return true;
  batch_bytes_ -= bytes;
  return false;
}

void Feed::ReturnBatchBytes(int64_t bytes) { batch_bytes_ -= bytes; }

absl::StatusOr<std::optional<Block>> Feed::FindHead(absl::Time deadline) {
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, pools_.calls.Acquire(deadline));
  connection->set_read_deadline(deadline);
  return records::FindHead(*connection);
}

absl::StatusOr<std::vector<Block>> Feed::ListBlocks(absl::Time deadline, int64_t after_number,
                                                    int limit) {
  QM_ASSIGN_OR_RETURN(const mysql::Lease connection, pools_.calls.Acquire(deadline));
  connection->set_read_deadline(deadline);
  return ReadBlocksAfter(*connection, after_number, limit);
}

int Feed::watcher_count() const {
  base::MutexLock lock(&mutex_);
  return static_cast<int>(members_.size());
}

void Feed::Run() {
  while (true) {
    {
      base::MutexLock lock(&mutex_);
      if (is_stopping_) return;
    }
    CheckTimes();
    const bool has_polled = PollHead();
    if (ServePage() || has_polled) continue;
    base::MutexLock lock(&mutex_);
    changed_.AwaitWithTimeout(
        &mutex_, std::max(poll_time_ + options_.poll_interval - absl::Now(), absl::ZeroDuration()),
        [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
          return is_stopping_ || has_arrivals_ || NextPage().has_value();
        });
  }
}

bool Feed::PollHead() {
  {
    base::MutexLock lock(&mutex_);
    if (!has_arrivals_ && absl::Now() < poll_time_ + options_.poll_interval) return false;
    has_arrivals_ = false;
  }
  const absl::Time start = absl::Now();
  poll_time_ = start;
  const auto read = [&]() -> absl::StatusOr<std::optional<Block>> {
    QM_ASSIGN_OR_RETURN(const mysql::Lease connection, pools_.reader.Acquire(start + kReadTimeMax));
    connection->set_read_deadline(start + kReadTimeMax);
    return records::FindHead(*connection);
  };
  const absl::StatusOr<std::optional<Block>> head = read();
  std::vector<Delivery> deliveries;
  int64_t sealed = 0;
  {
    base::MutexLock lock(&mutex_);
    if (!head.ok()) {
      // Who has just come still waits for a first answer.
      has_arrivals_ = false;
      poll_time_ = start + kPauseAfterError;
      log::Warning("cannot read the head of the records", {{"why", head.status().message()}});
      return false;
    }
    sealed = head->has_value() ? (*head)->last_sequence : 0;
    head_ = std::max(head_, sealed);
    sealed = head_;
    // Those at the head, and any who claim to be beyond it, get their first answer here.
    for (auto at = waiting_.lower_bound({head_, nullptr}); at != waiting_.end();) {
      Member& member = members_.at(at->first.second);
      if (!std::exchange(member.is_new, false)) {
        ++at;
        continue;
      }
      Delivery delivery{.watcher = at->second};
      const int64_t after = at->first.first;
      if (after > head_) {
        delivery.failure = NotSealed(after, head_);
      } else {
        delivery.page =
            std::make_shared<const Page>(Page{.first_sequence = after + 1, .last_sequence = after});
      }
      deliveries.push_back(std::move(delivery));
      member.waits_after.reset();
      at = waiting_.erase(at);
    }
  }
  Deliver(deliveries, sealed);
  return !deliveries.empty();
}

bool Feed::ServePage() {
  int64_t number = 0;
  int64_t head = 0;
  std::shared_ptr<const Page> known;
  {
    base::MutexLock lock(&mutex_);
    const std::optional<int64_t> next = NextPage();
    if (!next.has_value()) return false;
    number = *next;
    head = head_;
    known = FindCached(number);
  }
  const int64_t last = std::min(head, (number + 1) * options_.page_records_max);
  absl::StatusOr<std::shared_ptr<const Page>> page = known;
  if (known == nullptr || known->last_sequence < last) page = ReadPage(number, known, last);
  if (!page.ok()) {
    log::Warning("cannot read sealed records", {{"why", page.status().message()}});
    base::MutexLock lock(&mutex_);
    // Another page has its turn before this one is tried again.
    was_at_head_ = PageOf(head_ - 1) == number;
    if (!was_at_head_) catch_up_after_ = (number + 1) * options_.page_records_max;
    changed_.AwaitWithTimeout(&mutex_, kPauseAfterError,
                              [this]()
                                  ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return is_stopping_; });
    return true;
  }
  std::vector<Delivery> deliveries;
  {
    base::MutexLock lock(&mutex_);
    Keep(number, *page);
    deliveries = TakeWaiting(number, *page);
  }
  Deliver(deliveries, head);
  return true;
}

void Feed::CheckTimes() {
  if (absl::Now() < check_time_) return;
  check_time_ = absl::Now() + kCheckInterval;
  std::vector<std::shared_ptr<Watcher>> watchers;
  {
    base::MutexLock lock(&mutex_);
    watchers.reserve(members_.size());
    for (const auto& [watcher, member] : members_) watchers.push_back(member.watcher);
  }
  const absl::Time now = clock_.Now();
  for (const std::shared_ptr<Watcher>& watcher : watchers) watcher->CheckTime(now);
}

std::optional<int64_t> Feed::NextPage() {
  if (waiting_.empty() || waiting_.begin()->first.first >= head_) return std::nullopt;
  // The page of the head and one of those who catch up, by turns.
  const int64_t head_page = PageOf(head_ - 1);
  const auto at_head = waiting_.lower_bound({head_page * options_.page_records_max, nullptr});
  const bool is_anyone_at_head = at_head != waiting_.end() && at_head->first.first < head_;
  const bool is_anyone_behind =
      waiting_.begin()->first.first < head_page * options_.page_records_max;
  if (is_anyone_at_head && !(is_anyone_behind && was_at_head_)) return head_page;
  auto behind = waiting_.lower_bound({catch_up_after_, nullptr});
  if (behind == waiting_.end() || PageOf(behind->first.first) >= head_page) {
    behind = waiting_.begin();
  }
  return PageOf(behind->first.first);
}

std::shared_ptr<const Page> Feed::FindCached(int64_t number) {
  for (auto at = pages_.begin(); at != pages_.end(); ++at) {
    if (at->first != number) continue;
    pages_.splice(pages_.begin(), pages_, at);
    return at->second;
  }
  return nullptr;
}

void Feed::Keep(int64_t number, std::shared_ptr<const Page> page) {
  pages_.remove_if([number](const auto& kept) { return kept.first == number; });
  pages_.emplace_front(number, std::move(page));
  if (pages_.size() > static_cast<size_t>(options_.pages_max)) pages_.pop_back();
}

std::vector<Feed::Delivery> Feed::TakeWaiting(int64_t number,
                                              const std::shared_ptr<const Page>& page) {
  std::vector<Delivery> deliveries;
  const int64_t first = number * options_.page_records_max;
  was_at_head_ = page->last_sequence >= head_;
  if (!was_at_head_) catch_up_after_ = first + options_.page_records_max;
  auto at = waiting_.lower_bound({first, nullptr});
  while (at != waiting_.end() && at->first.first < page->last_sequence) {
    Member& member = members_.at(at->first.second);
    member.waits_after.reset();
    member.is_new = false;
    deliveries.push_back({.watcher = at->second, .page = page});
    at = waiting_.erase(at);
  }
  return deliveries;
}

absl::StatusOr<std::shared_ptr<const Page>> Feed::ReadPage(int64_t number,
                                                           std::shared_ptr<const Page> known,
                                                           int64_t last) {
  const absl::Time deadline = absl::Now() + kReadTimeMax;
  auto page = known != nullptr ? std::make_shared<Page>(*known) : std::make_shared<Page>();
  if (known == nullptr) {
    page->first_sequence = number * options_.page_records_max + 1;
    page->last_sequence = page->first_sequence - 1;
  }
  const int64_t first = page->last_sequence + 1;
  std::vector<SealedRecord> records;
  std::vector<Block> blocks;
  {
    QM_ASSIGN_OR_RETURN(const mysql::Lease connection, pools_.reader.Acquire(deadline));
    connection->set_read_deadline(deadline);
    QM_ASSIGN_OR_RETURN(records, ReadSealed(*connection, first, last));
    QM_ASSIGN_OR_RETURN(blocks, ReadBlocks(*connection, first, last, options_.page_records_max));
  }
  if (static_cast<int64_t>(records.size()) != last - first + 1) {
    return status::Internal(absl::StrCat("of the sealed records ", first, " to ", last, " only ",
                                         records.size(), " are there"));
  }
  QM_ASSIGN_OR_RETURN(std::vector<Scope> scopes, scopes_.FindScopes(deadline, records));
  QM_CHECK(scopes.size() == records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    const base::Sha256Digest hash = HashRecord(records[i]);
    page->entries.push_back(std::make_shared<const FeedEntry>(
        FeedEntry{.sealed = std::move(records[i]), .hash = hash, .scope = std::move(scopes[i])}));
  }
  page->blocks.insert(page->blocks.end(), blocks.begin(), blocks.end());
  page->last_sequence = last;
  return page;
}

void Feed::Deliver(const std::vector<Delivery>& deliveries, int64_t head) {
  for (const Delivery& delivery : deliveries) {
    if (delivery.failure.ok()) {
      delivery.watcher->Deliver(delivery.page, head);
    } else {
      delivery.watcher->Fail(delivery.failure);
    }
  }
}

}  // namespace quartermaster::records
