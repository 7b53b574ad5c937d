#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "platform/base/mutex.h"
#include "platform/records/chain.h"
#include "quartermaster/inventory/v1/records.grpc.pb.h"

namespace quartermaster::testing {

// Follows the feed of the records as a good client does, from the beginning and for as long as it
// lives: when its stream ends, for whatever reason, it goes on at the next of its servers after the
// last batch that arrived. Checks that each sequence comes once and in order, without a gap, and
// that the chain of the blocks verifies.
//
// Thread-safe.
class FeedFollower {
 public:
  // Each channel leads to another server; the caller must be one who sees all records.
  explicit FeedFollower(std::vector<std::shared_ptr<grpc::Channel>> servers);
  ~FeedFollower();
  FeedFollower(const FeedFollower&) = delete;
  FeedFollower& operator=(const FeedFollower&) = delete;

  int64_t last_sequence() const { return last_sequence_; }
  // What was written, in the sealed order: the first has sequence 1.
  std::vector<std::string> resources() const;
  // What did not fit, in words.
  std::vector<std::string> misfits() const;
  // How often it went on at another server.
  int resume_count() const { return resume_count_; }
  // The longest that it waited for records, since the last call.
  absl::Duration TakeLongestWait();

 private:
  void Follow();
  void ReadStream(inventory::v1::Records::Stub& records);
  void TakeIn(const type::v1::RecordBatch& batch);

  const std::vector<std::shared_ptr<grpc::Channel>> servers_;
  std::atomic<bool> stop_ = false;
  std::atomic<int64_t> last_sequence_ = 0;
  std::atomic<int> resume_count_ = 0;
  // Where to resume: as far as the feed has looked.
  int64_t resume_after_ = 0;
  records::ChainCheck check_;

  mutable base::Mutex mutex_;
  std::vector<std::string> resources_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> misfits_ ABSL_GUARDED_BY(mutex_);
  absl::Time record_time_ ABSL_GUARDED_BY(mutex_);
  absl::Duration longest_wait_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace quartermaster::testing
