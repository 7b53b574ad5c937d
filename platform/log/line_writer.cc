#include "platform/log/line_writer.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/time/time.h"

namespace quartermaster::log {
namespace {

constexpr absl::Duration kPatience = absl::Milliseconds(20);
constexpr int kManyLines = 256;
// What a busy moment needed is not kept for ever.
constexpr size_t kKeptBytesMax = 256 * 1024;

// Waits until the file takes something, for `patience_ms` at most; -1: for ever.
bool HasRoom(int file, int patience_ms) {
  pollfd room = {.fd = file, .events = POLLOUT, .revents = 0};
  return poll(&room, 1, patience_ms) > 0;
}

// Returns how much of `text` the file took.
size_t WriteAll(int file, absl::string_view text) {
  size_t taken = 0;
  while (taken < text.size()) {
    const ssize_t written = write(file, text.data() + taken, text.size() - taken);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) {
      // Somebody else who has the same pipe made it so.
      HasRoom(file, -1);
      continue;
    }
    if (written <= 0) break;
    taken += static_cast<size_t>(written);
  }
  return taken;
}

}  // namespace

LineWriter::LineWriter(int file, std::optional<int> queue_max)
    : file_(file),
      queue_max_(queue_max),
      many_(std::clamp(queue_max.value_or(1) / 2, 1, kManyLines)) {
  if (queue_max_.has_value()) thread_ = std::thread([this] { WriteOut(); });
}

LineWriter::~LineWriter() { Close(absl::InfiniteDuration()); }

void LineWriter::Write(absl::string_view line, bool is_urgent) {
  base::MutexLock lock(&mutex_);
  if (is_closed_) {
    // Nobody has the time to wait any more.
    if (HasRoom(STDERR_FILENO, 0)) {
      WriteAll(STDERR_FILENO, line);
    } else {
      lost_count_.fetch_add(1, std::memory_order_relaxed);
    }
    return;
  }
  if (!queue_max_.has_value()) return WriteLines(line);
  if (count_ == *queue_max_) DropOldest();
  lines_.append(line.data(), line.size());
  ++count_;
  const bool becomes_urgent = !is_urgent_ && (is_urgent || count_ >= many_);
  is_urgent_ = is_urgent_ || becomes_urgent;
  if (count_ == 1 || becomes_urgent) changed_.Signal();
}

void LineWriter::DropOldest() {
  first_ = lines_.find('\n', first_) + 1;
  --count_;
  lost_count_.fetch_add(1, std::memory_order_relaxed);
  if (first_ < lines_.size() / 2) return;
  lines_.erase(0, first_);
  first_ = 0;
}

void LineWriter::WriteOut() {
  std::string lines;
  while (true) {
    size_t first = 0;
    {
      base::MutexLock lock(&mutex_);
      changed_.Await(&mutex_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return count_ > 0 || is_closed_;
      });
      changed_.AwaitWithTimeout(&mutex_, kPatience, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return is_urgent_ || is_closed_;
      });
      if (count_ == 0) {
        has_ended_ = true;
        ended_.SignalAll();
        return;
      }
      lines.swap(lines_);
      first = std::exchange(first_, 0);
      count_ = 0;
      is_urgent_ = false;
    }
    WriteLines(absl::string_view(lines).substr(first));
    if (lines.capacity() > kKeptBytesMax) lines = std::string();
    lines.clear();
  }
}

void LineWriter::WriteLines(absl::string_view lines) {
  size_t taken = 0;
  if (!is_torn_ || WriteAll(file_, "\n") > 0) {
    taken = WriteAll(file_, lines);
    is_torn_ = taken > 0 && lines[taken - 1] != '\n';
  }
  lost_count_.fetch_add(std::ranges::count(lines.substr(taken), '\n'), std::memory_order_relaxed);
}

void LineWriter::Close(absl::Duration patience) {
  std::thread ended;
  {
    base::MutexLock lock(&mutex_);
    is_closed_ = true;
    changed_.Signal();
    if (!thread_.joinable()) return;
    if (!ended_.AwaitWithTimeout(&mutex_, patience, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
          return has_ended_;
        })) {
      return;
    }
    ended.swap(thread_);
  }
  if (ended.joinable()) ended.join();
}

}  // namespace quartermaster::log
