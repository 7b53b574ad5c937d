#include "inventory-svc/lanes/posting_lanes.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/base/catch_all.h"
#include "platform/base/check.h"
#include "platform/base/together.h"
#include "platform/log/log.h"
#include "platform/status/caller_overloaded.h"
#include "platform/status/error.h"

namespace quartermaster::inventory {
namespace {

// How late a call may be told that its time is over.
constexpr absl::Duration kWatchPeriod = absl::Milliseconds(50);
constexpr absl::Duration kRetryAfterMin = absl::Milliseconds(100);
constexpr absl::Duration kRetryAfterMax = absl::Seconds(5);

}  // namespace

struct PostingLanes::Series {
  explicit Series(telemetry::Metrics& metrics)
      : turns(metrics.AddCounter("posting_turns_total", "Turns that posting lanes ran.").Only()),
        postings(metrics
                     .AddHistogram("posting_turn_postings_count", "Postings in one turn.", {},
                                   {1, 2, 4, 8, 16, 32, 64, 128, 256})
                     .Only()),
        seconds(metrics
                    .AddHistogram("posting_turn_seconds",
                                  "From when a turn was taken until its calls were answered.")
                    .Only()),
        late(metrics
                 .AddCounter("posting_late_calls_total",
                             "Calls whose time ran out in the queue or during their turn.")
                 .Only()),
        splits(
            metrics.AddGauge("posting_split_turns_count", "Turns that were taken apart.").Only()),
        exceptions(metrics
                       .AddCounter("posting_exceptions_total",
                                   "Exceptions that lanes caught: each is a mistake of ours.")
                       .Only()),
        queued(metrics.AddGauge("posting_queued_count", "Postings that wait for a lane.").Only()),
        stalled(metrics.AddGauge("posting_stalled_lanes_count", "Lanes that do not move.").Only()) {
  }

  prometheus::Counter& turns;
  prometheus::Histogram& postings;
  prometheus::Histogram& seconds;
  prometheus::Counter& late;
  prometheus::Gauge& splits;
  prometheus::Counter& exceptions;
  prometheus::Gauge& queued;
  prometheus::Gauge& stalled;
};

PostingLanes::PostingLanes(TurnRunner& runner, const base::Clock& clock,
                           telemetry::Metrics& metrics, const Options& options)
    : runner_(runner),
      clock_(clock),
      options_(options),
      series_(std::make_unique<Series>(metrics)),
      queue_({.postings_max = options.queued_postings_max, .lines_max = options.queued_lines_max}) {
  base::MutexLock lock(&mutex_);
  lanes_.resize(static_cast<size_t>(options_.lane_count));
  for (size_t i = 0; i < lanes_.size(); ++i) {
    lanes_[i].thread = std::thread([this, i] { options_.run_thread([&] { RunLane(i); }); });
  }
  if (!lanes_.empty()) watcher_ = std::thread([this] { Watch(); });
}

PostingLanes::~PostingLanes() { Drain(); }

void PostingLanes::Drain() {
  std::vector<std::thread> threads;
  {
    base::MutexLock lock(&mutex_);
    is_closing_ = true;
    has_work_.SignalAll();
    for (Lane& lane : lanes_) threads.push_back(std::move(lane.thread));
  }
  for (std::thread& thread : threads) {
    if (thread.joinable()) thread.join();
  }
  {
    base::MutexLock lock(&mutex_);
    is_over_ = true;
    has_ended_.SignalAll();
    threads.clear();
    threads.push_back(std::move(watcher_));
  }
  if (threads.front().joinable()) threads.front().join();
}

absl::Status PostingLanes::CheckRoom(const std::vector<PendingPosting>& postings) {
  if (is_closing_ || lanes_.empty()) {
    return status::MakeError(absl::StatusCode::kUnavailable,
                             "this server is shutting down; call another",
                             {.reason = "SHUTTING_DOWN"});
  }
  int lines = 0;
  for (const PendingPosting& posting : postings) {
    lines += static_cast<int>(posting.lines.resolved.size());
  }
  // Whatever its size, one call is taken when nobody waits.
  if (queue_.posting_count() == 0) return absl::OkStatus();
  using Room = base::FairShare::Room;
  const std::string& caller = postings.front().movement.caller;
  const Room for_postings = queue_.postings().Judge(caller, static_cast<int64_t>(postings.size()));
  const Room for_lines = queue_.lines().Judge(caller, lines);
  if (for_postings == Room::kNoneAtAll || for_lines == Room::kNoneAtAll) {
    return status::Overloaded(absl::StrCat(queue_.posting_count(), " postings wait"),
                              TimeUntilEmpty());
  }
  const absl::Duration retry_after = TimeUntilEmpty();
  const auto refuse = [&](absl::string_view what, const base::FairShare& places) {
    return status::CallerOverloaded(places, caller, what, retry_after);
  };
  if (for_postings != Room::kEnough) return refuse("postings", queue_.postings());
  if (for_lines != Room::kEnough) return refuse("lines", queue_.lines());
  return absl::OkStatus();
}

absl::Duration PostingLanes::TimeUntilEmpty() const {
  const int64_t turns = 1 + queue_.posting_count() / options_.turn.postings_max;
  const absl::Duration time =
      mean_turn_time_ * turns / std::max<int64_t>(1, static_cast<int64_t>(lanes_.size()));
  return absl::Trunc(std::clamp(time, kRetryAfterMin, kRetryAfterMax), absl::Milliseconds(1));
}

void PostingLanes::Post(std::vector<PendingPosting> postings, absl::Time deadline,
                        PostingGroup::Done done) {
  absl::Status refusal;
  {
    base::MutexLock lock(&mutex_);
    refusal = CheckRoom(postings);
    if (refusal.ok()) {
      queue_.Add(std::make_shared<PostingGroup>(std::move(postings), deadline, std::move(done)));
      series_->queued.Set(queue_.posting_count());
      has_work_.Signal();
    }
  }
  if (!refusal.ok()) done(refusal);
}

void PostingLanes::RunLane(size_t number) {
  mutex_.Lock();
  while (true) {
    has_work_.Await(&mutex_, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return queue_.HasTurn() || (is_closing_ && queue_.posting_count() == 0);
    });
    if (!queue_.HasTurn()) break;
    TakenTurn taken = queue_.Take(options_.turn);
    series_->queued.Set(queue_.posting_count());
    if (taken.turn.empty()) continue;
    const absl::Time start = clock_.Now();
    lanes_[number].busy_since = start;
    lanes_[number].groups = taken.groups;
    mutex_.Unlock();

    RunTurn(taken);

    const absl::Duration time = clock_.Now() - start;
    series_->seconds.Observe(absl::ToDoubleSeconds(time));
    mutex_.Lock();
    Lane& lane = lanes_[number];
    lane.busy_since.reset();
    lane.groups.clear();
    lane.is_stall_told = false;
    mean_turn_time_ = mean_turn_time_ * 0.9 + time * 0.1;
    queue_.Return(taken);
    // What is left of a group may be for another lane, and the last turn ends all who wait.
    if (is_closing_ || queue_.HasTurn()) has_work_.SignalAll();
  }
  mutex_.Unlock();
}

void PostingLanes::RunTurn(const TakenTurn& taken) {
  std::vector<PostingAnswer> answers;
  const auto thrown = base::CatchAll([&] { answers = runner_.Run(taken.turn); });
  if (thrown.has_value()) {
    TellException("a posting turn threw", *thrown);
    // It may have thrown after its commit.
    answers.assign(taken.turn.size(), status::OutcomeUnknown());
  }
  QM_CHECK(answers.size() == taken.turn.size());
  series_->turns.Increment();
  series_->postings.Observe(static_cast<double>(taken.turn.size()));
  const auto unsent = base::CatchAll([&] {
    base::DoTogether([&] {
      for (size_t i = 0; i < answers.size(); ++i) {
        PostingGroup& group = *taken.groups[i];
        group.answers.push_back(std::move(answers[i]));
        if (group.answers.size() == group.postings.size()) Answer(group, std::move(group.answers));
      }
    });
  });
  if (unsent.has_value()) TellException("the answers of a turn threw", *unsent);
}

void PostingLanes::Answer(PostingGroup& group, PostingGroup::Answers with) {
  const auto thrown = base::CatchAll([&] { group.Answer(std::move(with)); });
  if (thrown.has_value()) TellException("the end of a posting call threw", *thrown);
}

void PostingLanes::TellException(absl::string_view what, const std::string& type) {
  series_->exceptions.Increment();
  log::Error(what, {{"exception", type}});
}

bool PostingLanes::IsStalled(const Lane& lane, absl::Time now) const {
  return lane.busy_since.has_value() && now - *lane.busy_since > options_.stall_time;
}

absl::Status PostingLanes::CheckMoving() const {
  const absl::Time now = clock_.Now();
  base::MutexLock lock(&mutex_);
  for (size_t i = 0; i < lanes_.size(); ++i) {
    if (!IsStalled(lanes_[i], now)) continue;
    return status::StorageUnavailable(absl::StrCat(
        "posting lane ", i + 1, " has been in one turn for ",
        absl::FormatDuration(absl::Trunc(now - *lanes_[i].busy_since, absl::Milliseconds(1)))));
  }
  return absl::OkStatus();
}

void PostingLanes::Watch() {
  while (true) {
    {
      base::MutexLock lock(&mutex_);
      if (has_ended_.AwaitWithTimeout(&mutex_, kWatchPeriod,
                                      [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return is_over_; })) {
        return;
      }
    }
    WatchOnce();
  }
}

void PostingLanes::WatchOnce() {
  const absl::Time now = clock_.Now();
  std::vector<std::shared_ptr<PostingGroup>> late;
  int stalled_count = 0;
  std::vector<size_t> newly_stalled;
  {
    base::MutexLock lock(&mutex_);
    late = queue_.TakeLate(now);
    for (size_t i = 0; i < lanes_.size(); ++i) {
      Lane& lane = lanes_[i];
      for (const std::shared_ptr<PostingGroup>& group : lane.groups) {
        if (group->deadline <= now && !group->is_answered()) late.push_back(group);
      }
      if (!IsStalled(lane, now)) continue;
      ++stalled_count;
      if (!std::exchange(lane.is_stall_told, true)) newly_stalled.push_back(i + 1);
    }
    series_->queued.Set(queue_.posting_count());
    if (!late.empty() && is_closing_) has_work_.SignalAll();
  }
  series_->stalled.Set(stalled_count);
  series_->splits.Set(static_cast<double>(runner_.split_count()));
  for (const size_t lane : newly_stalled) {
    log::Error("a posting lane does not move", {{"lane", static_cast<int64_t>(lane)}});
  }
  for (const std::shared_ptr<PostingGroup>& group : late) {
    if (!group->is_answered()) series_->late.Increment();
    Answer(*group, status::DeadlineExceeded(
                       "the posting waited for its turn, or its turn took too long; repeat the "
                       "call to learn whether it is in the books"));
  }
}

}  // namespace quartermaster::inventory
