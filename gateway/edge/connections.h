#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "platform/base/mutex.h"

namespace quartermaster::gateway {

class Session;

// The connections that are open, and the order in which they became idle: a connection is idle as
// long as no head of a request has come whole, so that one that trickles bytes is too. Thread-safe.
class Connections {
 public:
  explicit Connections(int connections_max) : connections_max_(connections_max) {}

  // Makes room for one more; where there is none, by closing the connection that has been idle
  // longest. Returns whether there is room, for the caller alone to use.
  bool MakeRoom();
  // Adds a connection, idle at first.
  void Add(const std::shared_ptr<Session>& session);

  void SetIdle(const Session* session);
  // Returns false if the connection was closed to make room: nothing may begin on it.
  bool SetBusy(const Session* session);
  void Remove(const Session* session);

  int count() const;
  std::vector<std::shared_ptr<Session>> All() const;
  // Waits until all are removed, up to `deadline`.
  void AwaitNone(absl::Time deadline) const;

 private:
  struct Entry {
    std::weak_ptr<Session> session;
    // Where it is in `idle_`, while it is idle.
    std::optional<std::list<const Session*>::iterator> place;
  };
  using Entries = std::map<const Session*, Entry>;

  void Erase(Entries::iterator entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int connections_max_;
  mutable base::Mutex mutex_;
  mutable base::CondVar removed_;
  Entries entries_ ABSL_GUARDED_BY(mutex_);
  // The first has been idle longest.
  std::list<const Session*> idle_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace quartermaster::gateway
