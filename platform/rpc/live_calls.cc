#include "platform/rpc/live_calls.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace quartermaster::rpc {

void LiveCalls::Add(const void* call, absl::string_view method, absl::Time start) {
  base::MutexLock lock(&mutex_);
  entries_.emplace(call, Entry{method, start});
}

void LiveCalls::Remove(const void* call) {
  base::MutexLock lock(&mutex_);
  entries_.erase(call);
}

int64_t LiveCalls::count() const {
  base::MutexLock lock(&mutex_);
  return static_cast<int64_t>(entries_.size());
}

std::vector<std::string> LiveCalls::Describe(absl::Time now, size_t count_max) const {
  std::vector<Entry> entries;
  {
    base::MutexLock lock(&mutex_);
    for (const auto& [call, entry] : entries_) entries.push_back(entry);
  }
  std::ranges::sort(entries, {}, &Entry::start);
  std::vector<std::string> lines;
  for (const Entry& entry : entries) {
    if (lines.size() == count_max) break;
    lines.push_back(
        absl::StrCat(entry.method, " for ",
                     absl::FormatDuration(absl::Trunc(now - entry.start, absl::Milliseconds(1)))));
  }
  return lines;
}

}  // namespace quartermaster::rpc
