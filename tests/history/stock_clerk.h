#pragma once

#include <google/protobuf/message.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "quartermaster/inventory/v1/ledger.pb.h"
#include "quartermaster/inventory/v1/transfers.pb.h"
#include "tests/history/item_history.h"
#include "tests/history/stock_door.h"
#include "tests/history/stock_items.h"

namespace quartermaster::testing {

// Returns a request id that nobody had before. Thread-safe.
std::string MakeRequestId();

// A clerk who takes down what each question to the ledger was answered, and when. Posts, reverses,
// sends transfers, signs for those of others, as arrived, damaged or short, and says what became of
// the rest; little at a time and more than there is, so that the last pieces are fought for, and
// two may sign for one transfer; in between, reads balances and transfers; repeats what was not
// answered with the same request id, by its other doors too; and now and then gives up, to ask
// again in the end.
//
// One thread; the counts may be read from any.
class StockClerk {
 public:
  struct Options {
    std::string name;
    // Whom its doors are of: one caller, who may be several clerks'.
    std::string caller;
    // How long it waits for one answer.
    absl::Duration attempt_max = absl::Seconds(1);
    uint64_t seed = 0;
  };
  // `unit` holds the locations. The items must outlive it.
  StockClerk(Options options, std::vector<std::unique_ptr<StockDoor>> doors, std::string unit,
             StockItems& items);

  // Works until `stop`, or until all items are full.
  void Work(const std::atomic<bool>& stop);
  // Asks again for everything that is open; each answer is taken down. Returns false if one did not
  // come before `deadline`.
  bool Settle(absl::Time deadline);
  // Reads one item's balances, until they are answered; false if that did not come before
  // `deadline`.
  bool Read(StockItem& item, absl::Time deadline);

  // Answers so far: acknowledged, refused or read.
  int64_t answer_count() const { return answer_count_; }
  // Answers so far that came to a repetition.
  int64_t late_answer_count() const { return late_answer_count_; }
  // Transfers so far whose receipt was acknowledged, those of which the rest was accounted for, and
  // steps that somebody else had taken.
  int64_t received_count() const { return received_count_; }
  int64_t resolved_count() const { return resolved_count_; }
  int64_t outrun_count() const { return outrun_count_; }
  // Answers so far that came by each of its doors. Not while `Work` runs; so the next.
  const std::vector<int64_t>& answers_by_door() const { return answers_by_door_; }
  // Errors that no fault explains.
  const std::vector<std::string>& surprises() const { return surprises_; }
  // The answers that did not tell, and how often each came.
  const std::map<std::string, int64_t>& troubles() const { return troubles_; }

 private:
  // A request and where it is taken down.
  struct Asking {
    std::shared_ptr<const google::protobuf::Message> request;
    // What it is about, kept from others until nothing is asked of it any more.
    std::shared_ptr<const SentTransfer> transfer = nullptr;
    // If others may take the step too: what waited for it.
    std::shared_ptr<const WaitingTransfer> waiting = nullptr;
    // Of a transfer: what it must say of itself then.
    inventory::v1::Transfer shows = {};
    StockItem* item = nullptr;
    size_t place = 0;
    int attempt_count = 0;
  };
  enum class Answer { kAcknowledged, kRefused, kNone };
  // What was written, by an answer that acknowledges it.
  struct Written {
    std::string name;
    std::string etag;
  };

  StockItem* ChooseItem();
  void DoSomething(StockItem& item);
  void Post(StockItem& item, inventory::v1::MovementReason reason, std::vector<StockStep> steps);
  void Reverse(StockItem& item, const std::string& movement, std::vector<StockStep> steps);
  // Drafts a transfer, of which the books know nothing yet, and dispatches it.
  void Dispatch(StockItem& item, int source, int64_t quantity);
  // Takes the next step of a transfer that waits; false if there is none.
  bool TakeStep(StockItem& item);
  // Signs for it, some of it damaged or missing.
  void Receive(StockItem& item, const std::shared_ptr<const WaitingTransfer>& waiting);
  // Says what became of what was missing.
  void Resolve(StockItem& item, const std::shared_ptr<const WaitingTransfer>& waiting);
  // Reads what a transfer says of itself, once.
  void Look(StockItem& item, const SentTransfer& transfer);

  // Takes the request down and asks until it is answered, or given up and left open. Returns what
  // was written, if it was.
  std::optional<Written> Ask(StockItem& item, std::vector<StockStep> steps, Asking asking);
  Answer AskOnce(Asking& asking, Written& written);
  Answer TakeRefusal(Asking& asking, const absl::Status& refusal, absl::Duration invoke_time);
  // Makes one call by the next door; takes notice of an answer that does not tell.
  absl::Status Call(const google::protobuf::Message& request, google::protobuf::Message& response);
  // Makes it once, where an error that tells is none that should be.
  bool CallOnce(const google::protobuf::Message& request, google::protobuf::Message& response);
  // Makes the call of an asking, and checks that the answer tells of what was asked.
  absl::StatusOr<Written> CallFor(const Asking& asking);
  void NoteTrouble(const absl::Status& trouble);
  bool OneIn(int n) { return random_() % static_cast<uint64_t>(n) == 0; }
  // A part of `quantity`, more often nothing.
  int64_t PartOf(int64_t quantity);

  const Options options_;
  const std::vector<std::unique_ptr<StockDoor>> doors_;
  const std::string unit_;
  StockItems& items_;
  std::mt19937_64 random_;
  size_t call_count_ = 0;
  std::vector<int64_t> answers_by_door_;
  std::vector<Asking> open_;
  std::atomic<int64_t> answer_count_ = 0;
  std::atomic<int64_t> late_answer_count_ = 0;
  std::atomic<int64_t> received_count_ = 0;
  std::atomic<int64_t> resolved_count_ = 0;
  std::atomic<int64_t> outrun_count_ = 0;
  std::vector<std::string> surprises_;
  std::map<std::string, int64_t> troubles_;
};

}  // namespace quartermaster::testing
