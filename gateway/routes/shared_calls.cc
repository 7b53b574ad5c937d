#include "gateway/routes/shared_calls.h"

namespace quartermaster::gateway {

namespace pb = internal::v1;

// One stream. What it holds is guarded by the mutex of its owner but for the messages, which are
// gRPC's while they are read or written. Kept alive by its owner until gRPC has let go of it.
class SharedCalls::Stream final
    : public grpc::ClientBidiReactor<pb::PostForCallersRequest, pb::PostForCallersResponse> {
 public:
  // Called with the owner's mutex held.
  Stream(SharedCalls& owner, absl::Time now) : owner_(owner), begin_time_(now) {
    ++owner_.stream_count_;
  }
  // Called without. What holds on to the channel goes before the owner is told, so that the channel
  // never ends within a callback of its own.
  ~Stream() override {
    context_.reset();
    base::MutexLock lock(&owner_.mutex_);
    --owner_.stream_count_;
    if (owner_.is_ending_) owner_.changed_.SignalAll();
  }

  // Called once, before anything is sent.
  void Start(pb::Relay::Stub& stub) {
    stub.async()->PostForCallers(context_.get(), this);
    // Writes begin outside of gRPC's callbacks too.
    AddHold();
    StartRead(&response_);
    StartCall();
  }

  void Do(const Next& next) {
    if (next.writes) StartWrite(&request_);
    if (next.ends_writes) StartWritesDone();
    if (next.lets_go) RemoveHold();
  }

  Next FindNext(absl::Time now) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    Next next;
    if (is_writing_) return next;
    if (has_ended_) {
      next.lets_go = !std::exchange(has_let_go_, true);
    } else if (Fill(now)) {
      next.writes = is_writing_ = true;
    } else if (is_retired_ && calls_.empty() && !std::exchange(has_ended_writes_, true)) {
      // Not before: the other end may have to hear that nobody waits for a call any more.
      next.ends_writes = is_writing_ = true;
    }
    return next;
  }

  bool TakesCalls(absl::Time now) const {
    return !is_retired_ && now - begin_time_ < owner_.options_.stream_age_max;
  }
  void Retire() { is_retired_ = true; }

  int64_t Add(std::shared_ptr<SharedCall> call) {
    const int64_t number = ++last_number_;
    calls_.emplace(number, Entry{.call = std::move(call)});
    unsent_.push_back(number);
    return number;
  }

  // Takes a call back; the other end will hear of it if it has heard of the call.
  std::shared_ptr<SharedCall> TakeOut(int64_t number) {
    auto entry = calls_.extract(number);
    if (entry.mapped().is_sent) cancelled_.push_back(number);
    return std::move(entry.mapped().call);
  }

  void TryCancel() { context_->TryCancel(); }

 private:
  struct Entry {
    std::shared_ptr<SharedCall> call;
    bool is_sent = false;
  };

  // Puts what waits into the next message; returns whether there is anything.
  bool Fill(absl::Time now) {
    if (unsent_.empty() && cancelled_.empty()) return false;
    request_.Clear();
    for (const int64_t number : cancelled_) request_.add_cancelled_numbers(number);
    cancelled_.clear();
    size_t bytes = 0;
    while (!unsent_.empty() && request_.calls_size() < owner_.options_.message_calls_max &&
           bytes < owner_.options_.message_bytes_max) {
      const auto found = calls_.find(unsent_.front());
      unsent_.pop_front();
      // It ended while it waited.
      if (found == calls_.end()) continue;
      found->second.is_sent = true;
      const SharedCall& call = *found->second.call;
      pb::CarriedCall& carried = *request_.add_calls();
      carried.set_number(found->first);
      carried.set_identity(call.identity.data(), call.identity.size());
      carried.set_traceparent(call.traceparent);
      carried.set_time_left_us(absl::ToInt64Microseconds(call.deadline - now));
      carried.set_request(call.request.data(), call.request.size());
      bytes += call.request.size() + call.identity.size();
    }
    return request_.calls_size() > 0 || request_.cancelled_numbers_size() > 0;
  }

  void OnReadInitialMetadataDone(bool) override {
    base::MutexLock lock(&owner_.mutex_);
    is_greeted_ = context_->GetServerInitialMetadata().contains("qm-relay");
  }

  void OnReadDone(bool ok) override {
    pb::PostForCallersResponse response;
    if (ok) response.Swap(&response_);
    std::vector<std::shared_ptr<SharedCall>> calls;
    Next next;
    {
      base::MutexLock lock(&owner_.mutex_);
      for (const pb::CarriedAnswer& answer : response.answers()) {
        calls.push_back(TakeAnswered(answer.number()));
      }
      if (ok) is_greeted_ = true;
      if (!ok) has_ended_ = true;
      if (!ok || response.is_closing()) is_retired_ = true;
      next = FindNext(owner_.clock_.Now());
    }
    if (ok) StartRead(&response_);
    Do(next);
    for (size_t i = 0; i < calls.size(); ++i) {
      if (calls[i] == nullptr) continue;
      const pb::CarriedAnswer& answer = response.answers(static_cast<int>(i));
      const grpc::Slice slice(answer.response());
      calls[i]->Answer(grpc::Status(static_cast<grpc::StatusCode>(answer.code()), answer.message(),
                                    answer.details()),
                       grpc::ByteBuffer(&slice, 1));
    }
  }

  // Null if nobody waits for it any more.
  std::shared_ptr<SharedCall> TakeAnswered(int64_t number) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const auto found = calls_.find(number);
    if (found == calls_.end()) return nullptr;
    std::shared_ptr<SharedCall> call = std::move(found->second.call);
    calls_.erase(found);
    owner_.Forget(*call);
    return call;
  }

  void OnWriteDone(bool) override { WriteIsDone(); }
  void OnWritesDoneDone(bool) override { WriteIsDone(); }
  // If it failed the stream has failed, and the read that is under way will say so.
  void WriteIsDone() {
    Next next;
    {
      base::MutexLock lock(&owner_.mutex_);
      is_writing_ = false;
      next = FindNext(owner_.clock_.Now());
    }
    Do(next);
  }

  void OnDone(const grpc::Status& status) override {
    std::shared_ptr<Stream> self;
    std::vector<Entry> entries;
    bool is_greeted = false;
    {
      base::MutexLock lock(&owner_.mutex_);
      is_greeted = is_greeted_;
      for (auto& [number, entry] : calls_) {
        owner_.Forget(*entry.call);
        entries.push_back(std::move(entry));
      }
      calls_.clear();
      if (!is_greeted && status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
        owner_.paused_until_ = owner_.clock_.Now() + owner_.options_.unknown_pause;
      }
      self = owner_.LetGo(*this);
    }
    for (const Entry& entry : entries) {
      if (is_greeted && entry.is_sent) {
        entry.call->Answer(grpc::Status(grpc::StatusCode::UNAVAILABLE, ""), grpc::ByteBuffer());
      } else {
        entry.call->GoAlone();
      }
    }
  }

  SharedCalls& owner_;
  const absl::Time begin_time_;
  std::unique_ptr<grpc::ClientContext> context_ = std::make_unique<grpc::ClientContext>();
  pb::PostForCallersRequest request_;
  pb::PostForCallersResponse response_;

  int64_t last_number_ = 0;
  // By number: those that have not ended.
  absl::flat_hash_map<int64_t, Entry> calls_;
  // Numbers, in the order in which the calls came; some may have ended.
  std::deque<int64_t> unsent_;
  std::vector<int64_t> cancelled_;
  bool is_writing_ = false;
  bool is_retired_ = false;
  bool has_ended_writes_ = false;
  // Nothing more will be read.
  bool has_ended_ = false;
  bool has_let_go_ = false;
  // The other end has taken the stream; before that it takes no call in.
  bool is_greeted_ = false;
};

SharedCalls::SharedCalls(const Options& options,
                         const std::vector<std::shared_ptr<grpc::Channel>>& channels,
                         const base::Clock& clock)
    : options_(options), clock_(clock) {
  for (const std::shared_ptr<grpc::Channel>& channel : channels) {
    stubs_.push_back(pb::Relay::NewStub(channel));
  }
  streams_.resize(static_cast<size_t>(options_.stream_count));
  watcher_ = std::thread([this] { WatchDeadlines(); });
}

SharedCalls::~SharedCalls() {
  {
    base::MutexLock lock(&mutex_);
    is_ending_ = true;
    changed_.SignalAll();
    for (const std::shared_ptr<Stream>& stream : live_) stream->TryCancel();
    streams_.clear();
    changed_.Await(&mutex_, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return stream_count_ == 0; });
  }
  watcher_.join();
}

bool SharedCalls::Take(const std::shared_ptr<SharedCall>& call) {
  if (options_.stream_count == 0 || call->request.size() > options_.request_bytes_max) return false;
  const absl::Time now = clock_.Now();
  std::shared_ptr<Stream> retired;
  std::shared_ptr<Stream> stream;
  Next last_of_retired;
  Next next;
  pb::Relay::Stub* stub = nullptr;
  {
    base::MutexLock lock(&mutex_);
    if (now < paused_until_ || is_ending_) return false;
    std::shared_ptr<Stream>& current = streams_[next_stream_++ % streams_.size()];
    if (current == nullptr || !current->TakesCalls(now)) {
      retired = std::exchange(current, std::make_shared<Stream>(*this, now));
      live_.insert(current);
      stub = stubs_[next_stub_++ % stubs_.size()].get();
      if (retired != nullptr) {
        retired->Retire();
        last_of_retired = retired->FindNext(now);
      }
    }
    stream = current;
    places_[call.get()] = {.stream = stream, .number = stream->Add(call)};
    deadlines_.emplace(call->deadline, call.get());
    if (call->deadline < watch_time_) changed_.SignalAll();
    // A stream that has not started is started first, by whoever made it.
    next = stream->FindNext(now);
  }
  if (retired != nullptr) retired->Do(last_of_retired);
  if (stub != nullptr) stream->Start(*stub);
  stream->Do(next);
  return true;
}

void SharedCalls::Forget(const SharedCall& call) {
  places_.erase(&call);
  deadlines_.erase({call.deadline, &call});
}

std::shared_ptr<SharedCalls::Stream> SharedCalls::LetGo(const Stream& stream) {
  for (std::shared_ptr<Stream>& one : streams_) {
    if (one.get() == &stream) one.reset();
  }
  std::shared_ptr<Stream> last;
  for (auto one = live_.begin(); one != live_.end(); ++one) {
    if (one->get() != &stream) continue;
    last = *one;
    live_.erase(one);
    break;
  }
  return last;
}

std::optional<SharedCalls::Ended> SharedCalls::TakeOut(const SharedCall& call, absl::Time now) {
  const auto place = places_.find(&call);
  if (place == places_.end()) return std::nullopt;
  Ended ended{.stream = place->second.stream};
  ended.call = ended.stream->TakeOut(place->second.number);
  Forget(call);
  ended.next = ended.stream->FindNext(now);
  return ended;
}

void SharedCalls::Finish(const Ended& ended, grpc::StatusCode code) {
  ended.stream->Do(ended.next);
  ended.call->Answer(grpc::Status(code, ""), grpc::ByteBuffer());
}

void SharedCalls::Cancel(const SharedCall& call) {
  std::optional<Ended> ended;
  {
    base::MutexLock lock(&mutex_);
    ended = TakeOut(call, clock_.Now());
  }
  if (ended.has_value()) Finish(*ended, grpc::StatusCode::CANCELLED);
}

void SharedCalls::WatchDeadlines() {
  while (true) {
    std::optional<Ended> late;
    {
      base::MutexLock lock(&mutex_);
      if (is_ending_) return;
      const absl::Time now = clock_.Now();
      if (!deadlines_.empty() && deadlines_.begin()->first <= now) {
        late = TakeOut(*deadlines_.begin()->second, now);
      } else {
        watch_time_ = deadlines_.empty() ? absl::InfiniteFuture() : deadlines_.begin()->first;
        changed_.WaitWithTimeout(&mutex_, watch_time_ - now);
      }
    }
    if (late.has_value()) Finish(*late, grpc::StatusCode::DEADLINE_EXCEEDED);
  }
}

}  // namespace quartermaster::gateway
