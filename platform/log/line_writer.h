#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/base/mutex.h"

namespace quartermaster::log {

// Writes lines to an open file, in the order in which they came.
//
// With a queue, a thread of its own writes them: many at once, since to wake it for each would cost
// more than all the rest of a line. A line waits 20 ms at most for others to go with, less if many
// wait, and not at all if it is urgent. When the queue is full the oldest line is lost. Without a
// queue whoever brings a line writes it. What the file does not take, a full disk's for one, is
// lost; every line that is lost is counted.
//
// Thread-safe.
class LineWriter {
 public:
  // Leaves `file` open. `queue_max` lines may wait; none: no queue.
  LineWriter(int file, std::optional<int> queue_max);
  // Closes it, however long that takes.
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  // Takes one line, which ends with its only line feed.
  void Write(absl::string_view line, bool is_urgent);

  // Writes out what waits, and ends the thread. Lines that come later go to standard error if it
  // takes them at once. Returns after `patience` even if the file has not taken all: a reader that
  // reads no more must not keep a program from its end.
  void Close(absl::Duration patience);

  int64_t lost_count() const { return lost_count_.load(std::memory_order_relaxed); }

 private:
  void WriteOut();
  // Called by the thread, or with the mutex held if there is none.
  void WriteLines(absl::string_view lines);
  void DropOldest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int file_;
  const std::optional<int> queue_max_;
  // So many lines wait for no others.
  const int many_;
  std::atomic<int64_t> lost_count_ = 0;
  base::Mutex mutex_;
  base::CondVar changed_;
  base::CondVar ended_;
  // The lines that wait, one after the other, from `first_` on; what is before was dropped.
  std::string lines_ ABSL_GUARDED_BY(mutex_);
  size_t first_ ABSL_GUARDED_BY(mutex_) = 0;
  int count_ ABSL_GUARDED_BY(mutex_) = 0;
  bool is_urgent_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool has_ended_ ABSL_GUARDED_BY(mutex_) = false;
  // The file ends in the middle of a line. Of whoever writes to it.
  bool is_torn_ = false;
  // Absent without a queue.
  std::thread thread_;
};

}  // namespace quartermaster::log
