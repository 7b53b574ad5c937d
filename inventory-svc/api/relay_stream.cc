#include "inventory-svc/api/relay_stream.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "inventory-svc/api/ledger_codec.h"
#include "inventory-svc/api/post_movement.h"
#include "platform/base/catch_all.h"
#include "platform/log/log.h"
#include "platform/rpc/incoming.h"
#include "platform/rpc/malformed_requests.h"
#include "platform/status/error.h"

namespace quartermaster::inventory {
namespace {

namespace relay = internal::v1;

constexpr char kPostForCallers[] = "quartermaster.internal.v1.Relay/PostForCallers";
// What every call is, whoever carried it.
constexpr char kPostMovement[] = "quartermaster.inventory.v1.Ledger/PostMovement";

constexpr int kCallsInMessageMax = 256;
// So many calls of one message wait for one thread. What one of them has to look up holds up those
// behind it, so they are few.
constexpr size_t kCallsTogetherMax = 16;
// Answers go together up to this, well below what a client takes as one message.
constexpr size_t kAnswerBytesMax = 1 << 20;
// Stands among the cancelled numbers until gRPC puts a message in its place: a read fails alike at
// the end of the stream and at bytes that are no message, and only the latter clear it.
constexpr int64_t kNothingRead = -1;

absl::Status BrokenRule(std::string what) {
  return status::InvalidFields({{.field = "calls", .description = std::move(what)}});
}

void TellThrown(const std::string& type) {
  log::Error("a carried posting threw", {{"cause", type}});
}

}  // namespace

// One call of a stream. Answers once: what is let go of without an answer is answered INTERNAL.
class RelayService::CarriedPosting {
 public:
  CarriedPosting(std::shared_ptr<Stream> stream, std::unique_ptr<rpc::StreamCall> call,
                 relay::CarriedCall& carried)
      : stream_(std::move(stream)), call_(std::move(call)), number_(carried.number()) {
    bytes_.swap(*carried.mutable_request());
  }
  ~CarriedPosting() {
    if (!has_answer_) Answer(status::Internal("the call was let go of without an answer"), "");
  }
  CarriedPosting(const CarriedPosting&) = delete;
  CarriedPosting& operator=(const CarriedPosting&) = delete;

  int64_t number() const { return number_; }
  size_t byte_count() const { return bytes_.size(); }
  absl::Time deadline() const { return call_->call().deadline; }
  const std::string& caller() const { return call_->call().caller.name; }
  const absl::Status& admitted() const { return call_->admitted(); }
  // On any thread.
  void Cancel() { call_->Cancel(); }

  // Posts it, on a thread of its class. What holds the last of it may be a lane.
  static void Post(const std::shared_ptr<CarriedPosting>& self, RelayService& service,
                   absl::Time now) {
    if (self->call_->is_cancelled()) {
      return self->Answer(absl::CancelledError("the caller has gone"), "");
    }
    if (self->deadline() <= now) {
      return self->Answer(status::DeadlineExceeded("the call waited too long for its turn"), "");
    }
    v1::PostMovementRequest request;
    if (!request.ParseFromString(self->bytes_)) return self->Answer(rpc::MalformedRequest(), "");
    PostOne(service.ledger_, service.lanes_, self->call_->call(), request,
            [self](const PostingAnswer& answer) {
              v1::Movement movement;
              if (answer.ok()) RenderMovement(*answer, movement);
              self->Answer(answer.status(), answer.ok() ? movement.SerializeAsString() : "");
            });
  }

  void Answer(const absl::Status& status, std::string response) {
    has_answer_ = true;
    const grpc::Status told = call_->End(status);
    relay::CarriedAnswer answer;
    answer.set_number(number_);
    answer.set_code(told.error_code());
    answer.set_message(told.error_message());
    answer.set_details(told.error_details());
    answer.set_response(std::move(response));
    stream_->Send(std::move(answer));
  }

 private:
  const std::shared_ptr<Stream> stream_;
  const std::unique_ptr<rpc::StreamCall> call_;
  const int64_t number_;
  std::string bytes_;
  bool has_answer_ = false;
};

RelayService::Stream::Stream(RelayService& service, grpc::CallbackServerContext* context)
    : relay_(service),
      served_(service.serve_.AdmitRelay(context, kPostForCallers)),
      context_(context) {}

void RelayService::Stream::Begin() {
  self_ = shared_from_this();
  absl::Status refusal = served_->admitted();
  if (refusal.ok()) {
    const absl::StatusOr<auth::Credentials> credentials = rpc::TakeCredentials(*context_);
    refusal = credentials.status();
    if (refusal.ok()) peer_spiffe_ids_ = credentials->peer_spiffe_ids;
  }
  if (refusal.ok()) refusal = relay_.Join(self_);
  Next next;
  {
    base::MutexLock lock(&mutex_);
    if (!refusal.ok()) {
      failure_ = refusal;
      has_read_all_ = true;
    }
    next = FindNext();
  }
  // Says that it was let in: what comes before may be sent again by another way.
  if (refusal.ok()) {
    context_->AddInitialMetadata("qm-relay", "1");
    StartSendInitialMetadata();
  }
  Do(next);
}

void RelayService::Stream::Close() {
  {
    base::MutexLock lock(&mutex_);
    is_closing_told_ = false;
  }
  GoOn();
}

RelayService::Stream::Next RelayService::Stream::FindNext() {
  Next next;
  if (has_finished_) return next;
  if (!is_writing_ && (!answers_.empty() || !is_closing_told_) && failure_.ok()) {
    FillWrite();
    next.writes = is_writing_ = true;
  }
  const int calls_max = relay_.options_.calls_max;
  if (!is_reading_ && !has_read_all_ && open_count_ < calls_max) {
    next.reads = is_reading_ = true;
  }
  // Never while a read or a write is under way, which may not have begun yet: gRPC must not be
  // asked for either after the end. A stream that is cancelled ends both.
  if (has_read_all_ && !is_reading_ && !is_writing_ && (open_count_ == 0 || !failure_.ok())) {
    next.finishes = has_finished_ = true;
  }
  return next;
}

void RelayService::Stream::FillWrite() {
  response_.Clear();
  response_.set_is_closing(!std::exchange(is_closing_told_, true));
  size_t bytes = 0;
  size_t count = 0;
  while (count < answers_.size() && bytes < kAnswerBytesMax) {
    bytes += answers_[count].ByteSizeLong();
    *response_.add_answers() = std::move(answers_[count++]);
  }
  answers_.erase(answers_.begin(), answers_.begin() + static_cast<std::ptrdiff_t>(count));
}

void RelayService::Stream::Do(const Next& next) {
  if (next.writes) StartWrite(&response_);
  if (next.reads) {
    request_.Clear();
    request_.add_cancelled_numbers(kNothingRead);
    StartRead(&request_);
  }
  if (!next.finishes) return;
  absl::Status failure;
  {
    base::MutexLock lock(&mutex_);
    failure = failure_;
  }
  Finish(served_->End(failure));
}

void RelayService::Stream::GoOn() {
  // Whoever finishes it lets go of it.
  const std::shared_ptr<Stream> self = shared_from_this();
  Next next;
  {
    base::MutexLock lock(&mutex_);
    next = FindNext();
  }
  Do(next);
}

void RelayService::Stream::OnReadDone(bool ok) {
  absl::Status taken;
  if (ok) {
    TakeCancelled();
    taken = TakeIn();
  } else if (request_.cancelled_numbers().empty() ||
             request_.cancelled_numbers(0) != kNothingRead) {
    taken = rpc::MalformedRequest();
  }
  {
    base::MutexLock lock(&mutex_);
    is_reading_ = false;
    if (!ok || !taken.ok()) has_read_all_ = true;
    if (failure_.ok()) failure_ = taken;
  }
  GoOn();
}

void RelayService::Stream::TakeCancelled() {
  for (const int64_t number : request_.cancelled_numbers()) {
    std::shared_ptr<CarriedPosting> posting;
    base::MutexLock lock(&mutex_);
    const auto found = unanswered_.find(number);
    if (found != unanswered_.end()) posting = found->second.lock();
    // Who holds it may just let go of it, and answer, so the lock must not be held then.
    if (posting != nullptr) posting->Cancel();
  }
}

absl::Status RelayService::Stream::TakeIn() {
  if (request_.calls_size() > kCallsInMessageMax) {
    return BrokenRule(absl::StrCat("has ", request_.calls_size(), " entries; at most ",
                                   kCallsInMessageMax, " are allowed"));
  }
  {
    base::MutexLock lock(&mutex_);
    for (const relay::CarriedCall& carried : request_.calls()) {
      if (!unanswered_.try_emplace(carried.number()).second) {
        return BrokenRule(absl::StrCat("the call ", carried.number(), " is not answered yet"));
      }
    }
    open_count_ += request_.calls_size();
  }
  Postings together;
  for (relay::CarriedCall& carried : *request_.mutable_calls()) {
    auto posting = std::make_shared<CarriedPosting>(
        self_,
        relay_.serve_.AdmitCarried(
            kPostMovement,
            {.credentials = {.identity_token = std::move(*carried.mutable_identity()),
                             .peer_spiffe_ids = peer_spiffe_ids_},
             .traceparent = carried.traceparent(),
             .time_left = absl::Microseconds(carried.time_left_us())}),
        carried);
    if (!posting->admitted().ok()) {
      posting->Answer(posting->admitted(), "");
      continue;
    }
    {
      base::MutexLock lock(&mutex_);
      unanswered_[posting->number()] = posting;
    }
    together.push_back(std::move(posting));
    // Without lanes each takes a thread until it is posted.
    if (relay_.lanes_ == nullptr || together.size() == kCallsTogetherMax) {
      QueueTogether(std::exchange(together, {}));
    }
  }
  if (!together.empty()) QueueTogether(std::move(together));
  return absl::OkStatus();
}

void RelayService::Stream::QueueTogether(Postings postings) {
  absl::Time deadline = absl::InfinitePast();
  int64_t bytes = 0;
  // Of several callers it is nobody's: the lanes judge the shares of each.
  std::string caller = postings.front()->caller();
  for (const auto& posting : postings) {
    if (posting->caller() != caller) caller.clear();
    deadline = std::max(deadline, posting->deadline());
    bytes += static_cast<int64_t>(posting->byte_count());
  }
  const auto shared = std::make_shared<Postings>(std::move(postings));
  const absl::Status queued = relay_.serve_.Submit(
      kPostMovement, {.deadline = deadline,
                      .bytes = bytes,
                      .caller = std::move(caller),
                      .run = [&service = relay_, shared](const absl::Status& turn) {
                        const auto thrown = base::CatchAll([&] {
                          base::DoTogether([&] { PostTogether(service, *shared, turn); });
                        });
                        if (thrown.has_value()) TellThrown(*thrown);
                      }});
  if (queued.ok()) return;
  for (const std::shared_ptr<CarriedPosting>& posting : *shared) posting->Answer(queued, "");
}

void RelayService::Stream::PostTogether(RelayService& service, const Postings& postings,
                                        const absl::Status& turn) {
  for (const std::shared_ptr<CarriedPosting>& posting : postings) {
    if (!turn.ok()) {
      posting->Answer(turn, "");
      continue;
    }
    // What one throws must not cost those behind it their answers.
    const auto thrown =
        base::CatchAll([&] { CarriedPosting::Post(posting, service, service.clock_.Now()); });
    if (thrown.has_value()) TellThrown(*thrown);
  }
}

void RelayService::Stream::Send(relay::CarriedAnswer answer) {
  {
    base::MutexLock lock(&mutex_);
    unanswered_.erase(answer.number());
    if (has_finished_ || !failure_.ok()) return;
    answers_.push_back(std::move(answer));
  }
  if (!base::PutOff::ToTheEnd(shared_from_this())) GoOn();
}

void RelayService::Stream::OnWriteDone(bool ok) {
  {
    base::MutexLock lock(&mutex_);
    is_writing_ = false;
    open_count_ -= response_.answers_size();
    if (!ok && failure_.ok()) failure_ = absl::CancelledError("the gateway has gone");
    if (!ok) has_read_all_ = true;
  }
  GoOn();
}

void RelayService::Stream::OnCancel() {
  {
    base::MutexLock lock(&mutex_);
    if (failure_.ok()) failure_ = absl::CancelledError("the gateway has gone");
    has_read_all_ = true;
    answers_.clear();
  }
  GoOn();
}

void RelayService::Stream::OnDone() {
  std::vector<std::shared_ptr<CarriedPosting>> unanswered;
  {
    base::MutexLock lock(&mutex_);
    for (const auto& [number, posting] : unanswered_) unanswered.push_back(posting.lock());
  }
  // They may be in the books all the same, or be dropped if their turn has not come.
  for (const auto& posting : unanswered) {
    if (posting != nullptr) posting->Cancel();
  }
  relay_.Leave(this);
  const std::shared_ptr<Stream> self = std::move(self_);
}

}  // namespace quartermaster::inventory
