#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/base/status_macros.h"
#include "platform/document/document.h"
#include "platform/status/error.h"
#include "platform/values/canonical.h"

// The life of every write of a document, told once.
namespace quartermaster::document {

// The present version of a document, if there is one.
template <typename T>
using Current = std::optional<Versioned<T>>;

// What a write makes of a document.
template <typename T>
struct Change {
  T after;
  // When it is said to have happened; the record time if nobody said.
  std::optional<absl::Time> occurred_time = std::nullopt;
  // Raised by what the change refers to; `Write`'s own if that is later.
  absl::Time record_time = absl::InfinitePast();
  std::string state = "";
  std::vector<Task> tasks = {};
};

// Reads a kept version. INTERNAL if its bytes are not a `T`.
template <typename T>
absl::StatusOr<Versioned<T>> Read(const StoredVersion& stored) {
  QM_ASSIGN_OR_RETURN(T body, canonical::Decode<T>(T::kForm, stored.snapshot));
  return Versioned<T>{std::move(body), stored.version, stored.record_time,
                      base::Sha256(stored.snapshot)};
}

// Finds the newest version of a document.
template <typename T>
absl::StatusOr<Current<T>> Find(Book& book, absl::string_view name) {
  QM_ASSIGN_OR_RETURN(const std::optional<StoredVersion> stored, book.FindNewest(name));
  if (!stored.has_value()) return Current<T>();
  QM_ASSIGN_OR_RETURN(Versioned<T> found, Read<T>(*stored));
  return Current<T>(std::move(found));
}

// The same, locked until the transaction ends.
template <typename T>
absl::StatusOr<Current<T>> Lock(Book& book, absl::string_view name) {
  QM_ASSIGN_OR_RETURN(const std::optional<StoredVersion> stored, book.LockNewest(name));
  if (!stored.has_value()) return Current<T>();
  QM_ASSIGN_OR_RETURN(Versioned<T> found, Read<T>(*stored));
  return Current<T>(std::move(found));
}

// The parts of a write that differ from document to document. Each may run several times and
// touches nothing but the book and its own variables.
template <typename T, typename B>
struct Steps {
  // Locks what the decision rests on, and returns the document as it is now.
  absl::FunctionRef<absl::StatusOr<Current<T>>(B&)> lock;
  // Checks, also before an earlier answer is repeated, what can only be judged on the document.
  absl::FunctionRef<absl::Status(const Current<T>&)> authorize;
  // Decides, and writes what the kind of document keeps besides its versions. The time is the one
  // at which the books take the change, unless the change raises it.
  absl::FunctionRef<absl::StatusOr<Change<T>>(B&, const Current<T>&, absl::Time)> decide;
};

// For documents that were authorized by their names already.
template <typename T>
absl::Status AuthorizedByName(const Current<T>&) {
  return absl::OkStatus();
}

// Answers a request that was made before: with the version that it wrote, as it was written.
// REQUEST_ID_REUSED if its content was another.
template <typename T>
absl::StatusOr<Versioned<T>> Replay(const Request& request, const EarlierWrite& earlier) {
  if (earlier.content_hash != request.content_hash) {
    return status::RequestIdReused(request.request_id.ToString());
  }
  return Read<T>({earlier.version, earlier.record_time, earlier.snapshot});
}

// One pass through a write, inside a transaction. Use `Write`.
template <typename T, typename B>
absl::StatusOr<Versioned<T>> WriteIn(B& book, const Request& request, absl::string_view name,
                                     absl::Time now, const Steps<T, B>& steps) {
  QM_ASSIGN_OR_RETURN(const Current<T> current, steps.lock(book));
  QM_ASSIGN_OR_RETURN(const std::optional<EarlierWrite> earlier, book.FindEarlier(request));
  if (earlier.has_value() && earlier->content_hash != request.content_hash) {
    return status::RequestIdReused(request.request_id.ToString());
  }
  QM_RETURN_IF_ERROR(steps.authorize(current));
  if (earlier.has_value()) return Replay<T>(request, *earlier);

  // The record time never runs backwards along a dependency.
  const absl::Time record_time =
      current.has_value() ? std::max(now, current->record_time + absl::Microseconds(1)) : now;
  absl::StatusOr<Change<T>> change = steps.decide(book, current, record_time);
  if (!change.ok()) {
    // Where nothing was locked the twin may have committed since it was looked for. Refusing now
    // would deny what the caller already has.
    QM_ASSIGN_OR_RETURN(const std::optional<EarlierWrite> twin, book.FindEarlier(request));
    if (twin.has_value()) return Replay<T>(request, *twin);
    return std::move(change).status();
  }

  NewVersion version{.name = std::string(name),
                     .version = current.has_value() ? current->version + 1 : 1,
                     .record_time = std::max(record_time, change->record_time),
                     .state = std::move(change->state),
                     .snapshot = canonical::Encode(T::kForm, change->after),
                     .tasks = std::move(change->tasks)};
  const base::Sha256Digest hash = base::Sha256(version.snapshot);
  version.occurred_time = change->occurred_time.value_or(version.record_time);
  if (current.has_value()) version.before_hash = current->hash;
  QM_RETURN_IF_ERROR(book.Append(request, version));
  return Versioned<T>{std::move(change->after), version.version, version.record_time, hash};
}

// Writes one version of the document `name`, or answers with what the same request wrote before:
//
//   lock -> was it asked before? -> authorize -> decide -> record
//
// in one transaction of `store`, whose `Atomically(deadline, body)` hands a `B` to the body and
// may run it again. A refusal leaves no trace, and is final only after the request was looked for
// once more. Fails with REQUEST_ID_REUSED, then with what `authorize` and `decide` say.
template <typename T, typename B, typename Store>
absl::StatusOr<Versioned<T>> Write(Store& store, absl::Time deadline, const Request& request,
                                   absl::string_view name, absl::Time now,
                                   const Steps<T, B>& steps) {
  std::optional<Versioned<T>> written;
  QM_RETURN_IF_ERROR(store.Atomically(deadline, [&](B& book) -> absl::Status {
    QM_ASSIGN_OR_RETURN(written, (WriteIn<T, B>(book, request, name, now, steps)));
    return absl::OkStatus();
  }));
  return *std::move(written);
}

}  // namespace quartermaster::document
