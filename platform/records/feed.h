#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/base/clock.h"
#include "platform/base/mutex.h"
#include "platform/config/settings.h"
#include "platform/mysql/pool.h"
#include "platform/records/page.h"
#include "platform/telemetry/metrics.h"

namespace quartermaster::records {

struct FeedOptions {
  // Between looks for new heads.
  absl::Duration poll_interval = absl::Milliseconds(100);
  // Records read at once, and sent at once.
  int page_records_max = 256;
  // Pages kept for those who follow.
  int pages_max = 64;
  // Streams at once; one more is refused.
  int watchers_max = 10'000;
  // Of one caller.
  int watchers_per_caller_max = 100;
  // Memory of all batches that are on their way to their readers.
  int64_t batch_bytes_max = int64_t{256} << 20;
  // How long a batch may wait until its reader has taken it.
  absl::Duration write_time_max = absl::Seconds(10);
  // How long a stream lasts at most.
  absl::Duration watch_time_max = absl::Minutes(5);

  // Declares what an operator may change, as `<prefix>FEED_POLL_INTERVAL` and so on.
  void Declare(config::Settings& settings);
};

// One who follows the feed, as the feed sees it. Kept alive by the feed while it waits. The feed
// calls it from one thread, holding no lock.
class Watcher {
 public:
  virtual ~Watcher() = default;
  // Answers one `Await`: takes what lies beyond the watcher's place. `sealed_sequence` is the head.
  // Must not block.
  virtual void Deliver(const std::shared_ptr<const Page>& page, int64_t sealed_sequence) = 0;
  // Ends it.
  virtual void Fail(const absl::Status& why) = 0;
  // Called about once a second: is any of its time over?
  virtual void CheckTime(absl::Time now) = 0;
};

// Follows the sealed order for everybody who watches it: one thread and one connection, however
// many they are.
//
// The order is read in pages of fixed places, each once for all who stand at it, and kept while it
// is among the last used. A watcher is in one of two states: it waits here for what lies beyond its
// place, or it is busy with a page. So what the feed holds for a watcher is one entry in a list;
// what is sent to it is one batch, which is the watcher's own. A slow one is simply not here: it
// holds up nobody. Those who stand at the head are served before those who catch up, and those in
// turn, a page each.
//
// Thread-safe. What it is given must outlive it; watchers must have left before it goes.
class Feed {
 public:
  // `reader` for the feed's own thread, `calls` for the methods that return blocks.
  struct Pools {
    mysql::Pool& reader;
    mysql::Pool& calls;
  };

  Feed(const Pools& pools, RecordScopes& scopes, const base::Clock& clock,
       const FeedOptions& options);
  ~Feed();
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  // Adds what is to be seen of it; `metrics` must outlive it.
  void AddMetrics(telemetry::Metrics& metrics);

  // Reads on a thread of its own, from now until this goes or `Stop`.
  void Start();

  // Ends all watchers with UNAVAILABLE, `SERVER_STOPPING`, and takes no more.
  void Stop();

  // Lets a watcher in whose place is after `after_sequence`. The first answer tells where the head
  // is: a page, an empty one if there is nothing beyond, or OUT_OF_RANGE, `SEQUENCE_NOT_SEALED`.
  // Fails with RESOURCE_EXHAUSTED, `OVERLOADED` if there are too many, `CALLER_OVERLOADED` if there
  // are too many of `caller`; UNAVAILABLE once it stops.
  absl::Status Join(const std::shared_ptr<Watcher>& watcher, const std::string& caller,
                    int64_t after_sequence);

  // Asks for what lies beyond `after_sequence`. One at a time; between a `Deliver` and the next
  // `Await` nothing comes.
  void Await(const std::shared_ptr<Watcher>& watcher, int64_t after_sequence);

  // Counts a batch that a watcher is about to send; false if too much is on its way already. One
  // batch may always be.
  bool TakeBatchBytes(int64_t bytes);
  // Counts it out again.
  void ReturnBatchBytes(int64_t bytes);

  // Forgets a watcher. A call to it that is under way may still arrive.
  void Leave(const Watcher* watcher);

  // Returns the last block; nothing before the first.
  absl::StatusOr<std::optional<Block>> FindHead(absl::Time deadline);
  // Returns blocks after `after_number`, at most `limit`.
  absl::StatusOr<std::vector<Block>> ListBlocks(absl::Time deadline, int64_t after_number,
                                                int limit);

  int watcher_count() const;
  const FeedOptions& options() const { return options_; }

 private:
  // By place, so that all who stand within a page are found together.
  using Waiting = std::map<std::pair<int64_t, const Watcher*>, std::shared_ptr<Watcher>>;

  // A watcher that is here, and where it waits, if it does.
  struct Member {
    std::shared_ptr<Watcher> watcher;
    std::string caller;
    std::optional<int64_t> waits_after;
    bool is_new = true;
  };

  struct Delivery {
    std::shared_ptr<Watcher> watcher;
    std::shared_ptr<const Page> page;
    absl::Status failure;
  };

  void Run();
  // Each returns true if there was something to do.
  bool PollHead();
  bool ServePage();
  void CheckTimes();

  int64_t PageOf(int64_t after_sequence) const {
    return after_sequence / options_.page_records_max;
  }
  std::optional<int64_t> NextPage() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::shared_ptr<const Page> FindCached(int64_t number) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Keep(int64_t number, std::shared_ptr<const Page> page) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<Delivery> TakeWaiting(int64_t number, const std::shared_ptr<const Page>& page)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::shared_ptr<const Page>> ReadPage(int64_t number,
                                                       std::shared_ptr<const Page> known,
                                                       int64_t last);
  void Deliver(const std::vector<Delivery>& deliveries, int64_t head);

  const Pools pools_;
  RecordScopes& scopes_;
  const base::Clock& clock_;
  const FeedOptions options_;

  mutable base::Mutex mutex_;
  base::CondVar changed_;
  bool is_stopping_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t head_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<const Watcher*, Member> members_ ABSL_GUARDED_BY(mutex_);
  // How many of them each caller has; nothing for none.
  absl::flat_hash_map<std::string, int> counts_by_caller_ ABSL_GUARDED_BY(mutex_);
  Waiting waiting_ ABSL_GUARDED_BY(mutex_);
  // Some of them wait for their first answer.
  bool has_arrivals_ ABSL_GUARDED_BY(mutex_) = false;
  // Where to go on with those who catch up.
  int64_t catch_up_after_ ABSL_GUARDED_BY(mutex_) = 0;
  bool was_at_head_ ABSL_GUARDED_BY(mutex_) = false;
  // The most recently used first.
  std::list<std::pair<int64_t, std::shared_ptr<const Page>>> pages_ ABSL_GUARDED_BY(mutex_);
  int64_t refused_count_ ABSL_GUARDED_BY(mutex_) = 0;
  std::atomic<int64_t> batch_bytes_ = 0;
  absl::Time poll_time_ = absl::InfinitePast();
  absl::Time check_time_ = absl::InfinitePast();
  std::thread thread_;
};

}  // namespace quartermaster::records
