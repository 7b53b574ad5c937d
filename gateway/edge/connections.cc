#include "gateway/edge/connections.h"

#include <utility>

#include "gateway/edge/session.h"

namespace quartermaster::gateway {

bool Connections::MakeRoom() {
  // Declared before the lock: it may be the last that holds it.
  std::shared_ptr<Session> closed;
  base::MutexLock lock(&mutex_);
  if (static_cast<int>(entries_.size()) < connections_max_) return true;
  if (idle_.empty()) return false;
  const auto entry = entries_.find(idle_.front());
  closed = entry->second.session.lock();
  Erase(entry);
  if (closed != nullptr) closed->Abort();
  return true;
}

void Connections::Add(const std::shared_ptr<Session>& session) {
  base::MutexLock lock(&mutex_);
  entries_.emplace(session.get(),
                   Entry{.session = session, .place = idle_.insert(idle_.end(), session.get())});
}

void Connections::SetIdle(const Session* session) {
  base::MutexLock lock(&mutex_);
  const auto entry = entries_.find(session);
  if (entry == entries_.end() || entry->second.place.has_value()) return;
  entry->second.place = idle_.insert(idle_.end(), session);
}

bool Connections::SetBusy(const Session* session) {
  base::MutexLock lock(&mutex_);
  const auto entry = entries_.find(session);
  if (entry == entries_.end()) return false;
  if (const auto place = std::exchange(entry->second.place, std::nullopt)) idle_.erase(*place);
  return true;
}

void Connections::Remove(const Session* session) {
  base::MutexLock lock(&mutex_);
  if (const auto entry = entries_.find(session); entry != entries_.end()) Erase(entry);
}

void Connections::Erase(Entries::iterator entry) {
  if (entry->second.place.has_value()) idle_.erase(*entry->second.place);
  entries_.erase(entry);
  removed_.SignalAll();
}

int Connections::count() const {
  base::MutexLock lock(&mutex_);
  return static_cast<int>(entries_.size());
}

std::vector<std::shared_ptr<Session>> Connections::All() const {
  std::vector<std::shared_ptr<Session>> all;
  base::MutexLock lock(&mutex_);
  for (const auto& [key, entry] : entries_) {
    if (std::shared_ptr<Session> session = entry.session.lock()) all.push_back(std::move(session));
  }
  return all;
}

void Connections::AwaitNone(absl::Time deadline) const {
  const auto none = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return entries_.empty(); };
  base::MutexLock lock(&mutex_);
  removed_.AwaitWithDeadline(&mutex_, deadline, none);
}

}  // namespace quartermaster::gateway
