#include "platform/rpc/executor.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"
#include "platform/status/caller_overloaded.h"
#include "platform/status/error.h"

namespace quartermaster::rpc {
namespace {

constexpr absl::Duration kRetryAfterMin = absl::Milliseconds(100);
constexpr absl::Duration kRetryAfterMax = absl::Seconds(5);

absl::Status LateInQueue() { return status::DeadlineExceeded("the call waited for its turn"); }

absl::Status ShuttingDown() {
  return status::MakeError(absl::StatusCode::kUnavailable,
                           "this server is shutting down; call another",
                           {.reason = "SHUTTING_DOWN"});
}

}  // namespace

const Executors::ClassOptions& Executors::Options::OfClass(CallClass call_class) const {
  switch (call_class) {
    case CallClass::kRead:
      return read;
    case CallClass::kWrite:
      return write;
    case CallClass::kPosting:
      return posting;
    case CallClass::kReport:
      return report;
  }
  QM_CHECK(false);
  return read;
}

Executors::Executors(const Options& options, const base::Clock& clock)
    : options_(options), clock_(clock) {
  {
    base::MutexLock lock(&mutex_);
    for (const CallClass call_class : kCallClasses) {
      Lane& lane = LaneOf(call_class);
      lane.options = options_.OfClass(call_class);
      lane.places = base::FairShare(lane.options.queue_max);
    }
  }
  for (const CallClass call_class : kCallClasses) {
    for (int i = 0; i < options_.OfClass(call_class).thread_count; ++i) {
      threads_.emplace_back([this, call_class] {
        options_.thread_started();
        RunTasks(call_class);
        options_.thread_ended();
      });
    }
  }
}

Executors::~Executors() {
  RefuseWork();
  {
    base::MutexLock lock(&mutex_);
    is_ending_ = true;
    for (Lane& lane : lanes_) lane.has_work.SignalAll();
  }
  for (std::thread& thread : threads_) thread.join();
}

absl::Duration Executors::RetryAfter(const Lane& lane) const {
  const int64_t thread_count = std::max(1, lane.options.thread_count);
  const absl::Duration until_empty =
      lane.mean_run_time * static_cast<int64_t>(lane.queue.size()) / thread_count;
  return absl::Trunc(std::clamp(until_empty, kRetryAfterMin, kRetryAfterMax),
                     absl::Milliseconds(1));
}

absl::Status Executors::CheckRoom(CallClass call_class, const Task& task) {
  const Lane& lane = LaneOf(call_class);
  const base::FairShare::Room room = lane.places.Judge(task.caller);
  if (room == base::FairShare::Room::kNoneAtAll) {
    return status::Overloaded(
        absl::StrCat(lane.queue.size(), " calls of class ", CallClassName(call_class), " wait"),
        RetryAfter(lane));
  }
  const bool is_report = call_class == CallClass::kReport;
  const int64_t bytes_max = is_report ? options_.queued_bytes_max / 2 : options_.queued_bytes_max;
  if (queued_bytes_ + task.bytes > bytes_max) {
    return status::Overloaded(absl::StrCat("the requests that wait take ", queued_bytes_, " bytes"),
                              RetryAfter(lane));
  }
  if (room == base::FairShare::Room::kNoneForThisCaller) {
    return status::CallerOverloaded(lane.places, task.caller,
                                    absl::StrCat("calls of class ", CallClassName(call_class)),
                                    RetryAfter(lane));
  }
  if (!is_report) return absl::OkStatus();
  for (const CallClass other : kCallClasses) {
    const Lane& busy = LaneOf(other);
    if (other == CallClass::kReport || busy.queue.empty() ||
        static_cast<int64_t>(busy.queue.size()) * 2 < busy.options.queue_max) {
      continue;
    }
    return status::Overloaded(
        absl::StrCat("calls of class ", CallClassName(other), " wait, and reports come after them"),
        RetryAfter(busy));
  }
  return absl::OkStatus();
}

void Executors::CountIn(Lane& lane, const Task& task) {
  queued_bytes_ += task.bytes;
  lane.places.Take(task.caller);
}

void Executors::CountOut(Lane& lane, const Task& task) {
  queued_bytes_ -= task.bytes;
  lane.places.Leave(task.caller);
}

std::vector<Executors::Task> Executors::TakeLate(Lane& lane) {
  const absl::Time now = clock_.Now();
  const auto late = std::stable_partition(lane.queue.begin(), lane.queue.end(),
                                          [&](const Task& task) { return task.deadline > now; });
  std::vector<Task> taken(std::make_move_iterator(late), std::make_move_iterator(lane.queue.end()));
  lane.queue.erase(late, lane.queue.end());
  for (const Task& task : taken) CountOut(lane, task);
  return taken;
}

absl::Status Executors::Submit(CallClass call_class, Task task) {
  std::vector<Task> late;
  absl::Status admitted;
  {
    base::MutexLock lock(&mutex_);
    if (is_refusing_) return ShuttingDown();
    Lane& lane = LaneOf(call_class);
    admitted = CheckRoom(call_class, task);
    if (!admitted.ok()) {
      // What is late holds its place for nobody.
      late = TakeLate(lane);
      if (!late.empty()) admitted = CheckRoom(call_class, task);
    }
    if (admitted.ok()) {
      CountIn(lane, task);
      lane.queue.push_back(std::move(task));
      lane.has_work.Signal();
    }
  }
  for (Task& dropped : late) dropped.run(LateInQueue());
  return admitted;
}

void Executors::RefuseWork() {
  std::vector<Task> waiting;
  {
    base::MutexLock lock(&mutex_);
    is_refusing_ = true;
    for (Lane& lane : lanes_) {
      for (const Task& task : lane.queue) CountOut(lane, task);
      std::ranges::move(lane.queue, std::back_inserter(waiting));
      lane.queue.clear();
    }
  }
  for (Task& task : waiting) task.run(ShuttingDown());
}

void Executors::RunTasks(CallClass call_class) {
  mutex_.Lock();
  Lane& lane = LaneOf(call_class);
  while (true) {
    while (lane.queue.empty() && !is_ending_) lane.has_work.Wait(&mutex_);
    if (lane.queue.empty()) break;
    Task task = std::move(lane.queue.front());
    lane.queue.pop_front();
    CountOut(lane, task);
    ++lane.running_count;
    mutex_.Unlock();

    const absl::Time start = clock_.Now();
    const bool is_late = task.deadline <= start;
    task.run(is_late ? LateInQueue() : absl::OkStatus());
    task.run = nullptr;
    const absl::Duration run_time = clock_.Now() - start;

    mutex_.Lock();
    --lane.running_count;
    if (!is_late) lane.mean_run_time = lane.mean_run_time * 0.9 + run_time * 0.1;
  }
  mutex_.Unlock();
}

Executors::Load Executors::GetLoad(CallClass call_class) const {
  base::MutexLock lock(&mutex_);
  const Lane& lane = lanes_[static_cast<size_t>(call_class)];
  return {.queued_count = static_cast<int64_t>(lane.queue.size()),
          .running_count = lane.running_count};
}

}  // namespace quartermaster::rpc
