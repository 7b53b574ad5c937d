#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "quartermaster/inventory/v1/ledger.grpc.pb.h"
#include "quartermaster/inventory/v1/transfers.grpc.pb.h"
#include "tests/harness/checker/history.h"

namespace quartermaster::testing {

// How many of a clerk's requests ended how.
struct ClerkCounts {
  std::atomic<int64_t> acknowledged = 0;
  std::atomic<int64_t> refused = 0;
  // Given up without an answer that tells.
  std::atomic<int64_t> open = 0;
  // Acknowledged by a repetition, after at least one attempt that did not tell.
  std::atomic<int64_t> acknowledged_late = 0;
};

// Who asks, and the token that says so.
struct Person {
  std::string subject;
  std::string token;
};

// A client as a good one should be: makes the request id once, writes it down before it asks, asks
// again with the same id while it does not know, and writes down what it was told. Sometimes it
// gives up early, as people do.
//
// One thread; the counts may be read from any.
class Clerk {
 public:
  // Works in the city of `MakeCity` through `channel`. Who dispatches does not receive, so a
  // colleague signs for transfers.
  Clerk(Person self, Person colleague, const std::shared_ptr<grpc::Channel>& channel,
        HistoryWriter& history, uint64_t seed);

  // Posts, relocates, consumes, reverses and sends transfers until `stop`.
  void Work(const std::atomic<bool>& stop);

  // Asks for one receipt until it is answered or `deadline` comes. Returns the answer; nothing if
  // there was none.
  std::optional<inventory::v1::Movement> Receive(int64_t amount, absl::Time deadline);

  // Asks again for the last movement that was acknowledged, and returns the answer.
  std::optional<inventory::v1::Movement> RepeatLast(absl::Time deadline);

  const ClerkCounts& counts() const { return counts_; }
  // The answers that did not tell, and how often each came. Not while `Work` runs.
  const std::map<std::string, int64_t>& troubles() const { return troubles_; }
  // Answers to a repetition that differed from the first answer.
  const std::vector<std::string>& contradictions() const { return contradictions_; }

 private:
  inventory::v1::PostMovementRequest NextPost();
  std::optional<inventory::v1::Movement> Post(const inventory::v1::PostMovementRequest& request,
                                              absl::Time deadline, bool may_give_up);
  std::optional<inventory::v1::Movement> Reverse(const inventory::v1::Movement& movement,
                                                 absl::Time deadline);
  // Draft, dispatch, receipt: as far as it gets.
  void SendTransfer(absl::Time deadline);
  template <typename Request>
  std::optional<inventory::v1::Transfer> Change(
      const Person& person,
      grpc::Status (inventory::v1::Transfers::Stub::*method)(grpc::ClientContext*, const Request&,
                                                             inventory::v1::Transfer*),
      Request request, absl::Time deadline);

  // One request on its way to an answer. Without an id it is a repetition, of which the history
  // knows already.
  struct Asking {
    const Person& person;
    std::string request_id;
    absl::Time deadline;
    bool may_give_up = false;
  };
  template <typename Response, typename Ask>
  std::optional<Response> AskUntilAnswered(const Asking& asking, Ask ask);
  bool OneIn(int n) { return random_() % static_cast<uint64_t>(n) == 0; }

  const Person self_;
  const Person colleague_;
  const std::unique_ptr<inventory::v1::Ledger::Stub> ledger_;
  const std::unique_ptr<inventory::v1::Transfers::Stub> transfers_;
  HistoryWriter& history_;
  std::mt19937_64 random_;
  ClerkCounts counts_;
  std::vector<std::string> contradictions_;
  std::map<std::string, int64_t> troubles_;
  std::optional<inventory::v1::PostMovementRequest> last_request_;
  std::optional<inventory::v1::Movement> last_movement_;
};

}  // namespace quartermaster::testing
