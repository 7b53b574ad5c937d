#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "quartermaster/inventory/v1/ledger.grpc.pb.h"
#include "quartermaster/inventory/v1/transfers.grpc.pb.h"
#include "tests/history/item_history.h"

namespace quartermaster::testing {

// A way to the ledger: a channel, and what a call through it must carry to be its clerk's.
struct StockDoor {
  std::shared_ptr<grpc::Channel> channel;
  std::function<void(grpc::ClientContext&)> prepare;
};

// What clerks make their history of: items whose one lot, `<item>/lots/a`, lies at two locations,
// which are the accounts of their recorders.
struct StockItems {
  // So many are in use at once, the first that are not full: few enough that clerks meet.
  size_t in_use_max = 3;
  std::vector<std::unique_ptr<HistoryRecorder>> recorders;
};

// A clerk who takes down what each question to the ledger was answered, and when. Posts, reverses,
// and dispatches transfers, which nobody receives; little at a time and more than there is, so that
// the last pieces are fought for; reads in between; repeats what was not answered with the same
// request id, by its other doors too; and now and then gives up, to ask again in the end.
//
// One thread; the counts may be read from any.
class StockClerk {
 public:
  struct Options {
    std::string name;
    // How long it waits for one answer.
    absl::Duration attempt_max = absl::Seconds(1);
    uint64_t seed = 0;
  };
  // All doors must be of one caller. `unit` holds the locations.
  StockClerk(Options options, std::vector<StockDoor> doors, std::string unit, StockItems& items);

  // Works until `stop`, or until all items are full.
  void Work(const std::atomic<bool>& stop);
  // Asks again for everything that is open; each answer is taken down. Returns false if one did not
  // come before `deadline`.
  bool Settle(absl::Time deadline);
  // Reads one item, until it is answered; false if that did not come before `deadline`.
  bool Read(HistoryRecorder& item, absl::Time deadline);

  // Answers so far: acknowledged, refused or read.
  int64_t answer_count() const { return answer_count_; }
  // Answers so far that came to a repetition.
  int64_t late_answer_count() const { return late_answer_count_; }
  // Errors that no fault explains. Not while `Work` runs; so the next.
  const std::vector<std::string>& surprises() const { return surprises_; }
  // The answers that did not tell, and how often each came.
  const std::map<std::string, int64_t>& troubles() const { return troubles_; }

 private:
  // A request, how it is asked, and where it is taken down.
  struct Asking {
    HistoryRecorder* item;
    size_t place;
    // Returns the name of what was written.
    std::function<absl::StatusOr<std::string>(const StockDoor&)> ask;
    int attempt_count = 0;
  };
  enum class Answer { kAcknowledged, kRefused, kNone };

  HistoryRecorder* ChooseItem();
  void PostSomething(HistoryRecorder& item);
  void Post(HistoryRecorder& item, inventory::v1::MovementReason reason,
            std::vector<StockStep> steps);
  void Reverse(HistoryRecorder& item, const std::string& movement, std::vector<StockStep> steps);
  // Drafts a transfer, of which the books know nothing yet, and dispatches it.
  void Dispatch(HistoryRecorder& item, int source, int64_t quantity);
  // Asks until it is answered, or given up and left open. Returns the name of what was written, if
  // it was.
  std::optional<std::string> AskUntilAnswered(Asking asking);
  Answer AskOnce(Asking& asking, std::string& name);
  Answer TakeRefusal(Asking& asking, const absl::Status& refusal, absl::Duration invoke_time);
  // Makes one call through a door.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(const StockDoor& door,
                                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request) const;
  const StockDoor& NextDoor() { return doors_[door_count_++ / 4 % doors_.size()]; }
  void NoteTrouble(const absl::Status& trouble);
  bool OneIn(int n) { return random_() % static_cast<uint64_t>(n) == 0; }

  const Options options_;
  const std::vector<StockDoor> doors_;
  const std::string unit_;
  StockItems& items_;
  std::mt19937_64 random_;
  size_t door_count_ = 0;
  std::vector<Asking> open_;
  std::atomic<int64_t> answer_count_ = 0;
  std::atomic<int64_t> late_answer_count_ = 0;
  std::vector<std::string> surprises_;
  std::map<std::string, int64_t> troubles_;
};

}  // namespace quartermaster::testing
