#include "tests/load/callers.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/check.h"
#include "tests/harness/endpoint.h"
#include "tests/load/connection.h"
#include "tests/load/grpc_connection.h"
#include "tests/load/json_connection.h"

namespace quartermaster::load {
namespace {

constexpr char kPostMovement[] = "/quartermaster.inventory.v1.Ledger/PostMovement";
constexpr char kPostMovementAsJson[] = "/v1/movements:post";

// How much later than the server must answer the callers stop to wait for it.
constexpr absl::Duration kGrace = absl::Seconds(1);

// Opens a connection, as `GrpcConnection::Open` does.
using Open = absl::StatusOr<std::unique_ptr<Connection>>(const Target& target,
                                                         const Connection::Options& options,
                                                         absl::Time deadline);

// All callers of one run, on one thread: each a closed loop that sends, waits for the answer and
// sends again, until the run is over. Wakes up for whatever has come, and answers all of it in one
// go. Not thread-safe.
class Callers {
 public:
  Callers(const MakeRequest& make_request, const RunOptions& options)
      : make_request_(make_request), options_(options), started_(options.caller_count) {}

  RunResult Run(const Target& target, Open* open, const std::string& path) {
    Connect(target, open, path);
    start_ = absl::Now();
    for (int caller = 0; caller < options_.caller_count; ++caller) {
      Send(lines_[caller % lines_.size()], caller);
    }
    for (Line& line : lines_) Write(line);
    while (IsWaiting() && absl::Now() < give_up_time()) WaitAndServe();
    for (Line& line : lines_) {
      End(line, absl::DeadlineExceededError(absl::StrCat(
                    "no answer within ", absl::FormatDuration(options_.call_timeout))));
    }
    return Summarize(std::move(latencies_ms_), error_count_, std::move(first_error_),
                     options_.duration);
  }

 private:
  // A connection and how many calls are under way on it. Without one it has ended, and its callers
  // with it.
  struct Line {
    std::unique_ptr<Connection> connection;
    int waiting_count = 0;
    // The server takes no more for now.
    bool is_blocked = false;
  };

  absl::Time end_time() const { return start_ + options_.warm_up + options_.duration; }
  absl::Time give_up_time() const { return end_time() + options_.call_timeout + kGrace; }

  void Connect(const Target& target, Open* open, const std::string& path) {
    const absl::Time deadline = absl::Now() + options_.call_timeout;
    for (int i = 0; i < options_.connection_count; ++i) {
      Line& line = lines_.emplace_back();
      auto opened = open(target,
                         {.path = path,
                          .metadata = options_.metadata,
                          .call_timeout = options_.call_timeout,
                          .call_count = options_.caller_count},
                         deadline);
      if (opened.ok()) {
        line.connection = *std::move(opened);
        Watch(line, EPOLL_CTL_ADD);
      } else {
        Note(opened.status());
      }
    }
    events_.resize(lines_.size());
  }

  void Watch(const Line& line, int operation) {
    epoll_event event = {.events = line.is_blocked ? EPOLLIN | EPOLLOUT : EPOLLIN,
                         .data = {.u64 = static_cast<uint64_t>(&line - lines_.data())}};
    QM_CHECK(::epoll_ctl(poll_.get(), operation, line.connection->fd(), &event) == 0);
  }

  bool IsWaiting() const {
    return std::any_of(lines_.begin(), lines_.end(),
                       [](const Line& line) { return line.waiting_count > 0; });
  }

  void Send(Line& line, int caller) {
    if (line.connection == nullptr) return;
    started_[caller] = absl::Now();
    if (started_[caller] >= end_time()) return;
    line.connection->Start(caller, make_request_(next_number_++));
    ++line.waiting_count;
  }

  void WaitAndServe() {
    const int64_t left_ms = absl::ToInt64Milliseconds(give_up_time() - absl::Now());
    const int ready_count =
        ::epoll_wait(poll_.get(), events_.data(), static_cast<int>(events_.size()),
                     static_cast<int>(std::max<int64_t>(left_ms, 0)) + 1);
    QM_CHECK(ready_count >= 0 || errno == EINTR);
    for (int i = 0; i < ready_count; ++i) {
      Line& line = lines_[events_[i].data.u64];
      if (events_[i].events != EPOLLOUT) Read(line);
      Write(line);
    }
  }

  void Read(Line& line) {
    answers_.clear();
    const absl::Status read = line.connection->Read(answers_);
    for (const Connection::Answer& answer : answers_) {
      --line.waiting_count;
      if (!answer.status.ok()) {
        Note(answer.status);
      } else if (started_[answer.call] >= start_ + options_.warm_up) {
        latencies_ms_.push_back(absl::ToDoubleMilliseconds(absl::Now() - started_[answer.call]));
      }
      Send(line, answer.call);
    }
    if (!read.ok()) End(line, read);
  }

  void Write(Line& line) {
    if (line.connection == nullptr) return;
    if (const absl::Status written = line.connection->Write(); !written.ok()) {
      return End(line, written);
    }
    if (line.is_blocked == line.connection->has_unsent()) return;
    line.is_blocked = !line.is_blocked;
    Watch(line, EPOLL_CTL_MOD);
  }

  // Every call under way on it counts as an error.
  void End(Line& line, const absl::Status& error) {
    for (; line.waiting_count > 0; --line.waiting_count) Note(error);
    line.connection.reset();
  }

  void Note(const absl::Status& error) {
    ++error_count_;
    if (first_error_.empty()) first_error_ = std::string(error.message());
  }

  const MakeRequest& make_request_;
  const RunOptions& options_;
  absl::Time start_;
  // A connection that is closed leaves it.
  const testing::Descriptor poll_{::epoll_create1(EPOLL_CLOEXEC)};
  std::vector<epoll_event> events_;
  // In `poll_` each goes by its index.
  std::vector<Line> lines_;
  // By caller, of the call under way.
  std::vector<absl::Time> started_;
  int64_t next_number_ = 0;
  std::vector<Connection::Answer> answers_;
  std::vector<double> latencies_ms_;
  int64_t error_count_ = 0;
  std::string first_error_;
};

double Percentile(const std::vector<double>& sorted, double fraction) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1, static_cast<size_t>(sorted.size() * fraction))];
}

}  // namespace

RunResult RunPostings(const Target& target, const MakeRequest& make_request,
                      const RunOptions& options) {
  return Callers(make_request, options).Run(target, GrpcConnection::Open, kPostMovement);
}

RunResult RunJsonPostings(const std::string& address, const MakeRequest& make_request,
                          const RunOptions& options) {
  RunOptions own_connections = options;
  own_connections.connection_count = options.caller_count;
  return Callers(make_request, own_connections)
      .Run({.address = address}, JsonConnection::Open, kPostMovementAsJson);
}

RunResult Summarize(std::vector<double> latencies_ms, int64_t error_count, std::string first_error,
                    absl::Duration duration) {
  std::sort(latencies_ms.begin(), latencies_ms.end());
  return {.ok_count = static_cast<int64_t>(latencies_ms.size()),
          .error_count = error_count,
          .first_error = std::move(first_error),
          .seconds = absl::ToDoubleSeconds(duration),
          .p50_ms = Percentile(latencies_ms, 0.5),
          .p99_ms = Percentile(latencies_ms, 0.99)};
}

}  // namespace quartermaster::load
