#include "tests/load/callers.h"

#include <algorithm>
#include <atomic>
#include <latch>
#include <mutex>

#include "absl/time/clock.h"
#include "quartermaster/inventory/v1/ledger.grpc.pb.h"

namespace quartermaster::load {
namespace {

using inventory::v1::Ledger;
using inventory::v1::Movement;
using inventory::v1::PostMovementRequest;

// What all callers of one run share.
struct Run {
  const MakeRequest& make_request;
  const RunOptions& options;
  absl::Time count_from;
  absl::Time end;
  std::atomic<int64_t> next_number = 0;
  std::mutex mutex;
  std::vector<double> latencies_ms;
  int64_t error_count = 0;
  std::string first_error;
};

// One closed loop: sends, waits for the answer, sends again, until the run is over.
class Caller {
 public:
  Caller(Run& run, const std::shared_ptr<grpc::Channel>& channel, std::latch& done)
      : run_(run), stub_(Ledger::NewStub(channel)), done_(done) {}

  void Send() {
    started_ = absl::Now();
    if (started_ >= run_.end) {
      {
        std::lock_guard lock(run_.mutex);
        run_.latencies_ms.insert(run_.latencies_ms.end(), latencies_ms_.begin(),
                                 latencies_ms_.end());
      }
      // Last: who waits for it takes down the run.
      done_.count_down();
      return;
    }
    context_ = std::make_unique<grpc::ClientContext>();
    context_->set_deadline(absl::ToChronoTime(started_ + absl::Seconds(10)));
    for (const auto& [key, value] : run_.options.metadata) context_->AddMetadata(key, value);
    request_ = run_.make_request(run_.next_number++);
    stub_->async()->PostMovement(context_.get(), &request_, &response_,
                                 [this](const grpc::Status& status) { Answered(status); });
  }

 private:
  void Answered(const grpc::Status& status) {
    const absl::Time now = absl::Now();
    if (!status.ok()) {
      std::lock_guard lock(run_.mutex);
      ++run_.error_count;
      if (run_.first_error.empty()) run_.first_error = status.error_message();
    } else if (started_ >= run_.count_from) {
      latencies_ms_.push_back(absl::ToDoubleMilliseconds(now - started_));
    }
    Send();
  }

  Run& run_;
  const std::unique_ptr<Ledger::Stub> stub_;
  std::latch& done_;
  absl::Time started_;
  std::unique_ptr<grpc::ClientContext> context_;
  PostMovementRequest request_;
  Movement response_;
  std::vector<double> latencies_ms_;
};

double Percentile(const std::vector<double>& sorted, double fraction) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1, static_cast<size_t>(sorted.size() * fraction))];
}

}  // namespace

RunResult RunPostings(const std::vector<std::shared_ptr<grpc::Channel>>& channels,
                      const MakeRequest& make_request, const RunOptions& options) {
  const absl::Time start = absl::Now();
  Run run{.make_request = make_request,
          .options = options,
          .count_from = start + options.warm_up,
          .end = start + options.warm_up + options.duration};
  std::latch done(options.caller_count);
  std::vector<std::unique_ptr<Caller>> callers;
  for (int i = 0; i < options.caller_count; ++i) {
    callers.push_back(std::make_unique<Caller>(run, channels[i % channels.size()], done));
  }
  for (const auto& caller : callers) caller->Send();
  done.wait();

  return Summarize(std::move(run.latencies_ms), run.error_count, run.first_error, options.duration);
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
