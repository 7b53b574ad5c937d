#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "qmctl/client/client.h"
#include "qmctl/import/books.h"
#include "qmctl/import/plan.h"

namespace quartermaster::qmctl {

// In whose name and how fast an import runs.
struct ImportSettings {
  const Client* caller = nullptr;
  // Signs for what arrives: nobody receives what they dispatched. May be null if nothing arrives.
  const Client* receiver = nullptr;
  int in_flight = 4;
  // For movements of a batch whose outcome the server could not tell.
  RetryPolicy retries;
  // Told from many threads, one at a time: how many rows' requests of a stage are done. May be
  // empty.
  std::function<void(absl::string_view stage, size_t done_count, size_t count)> on_progress;
};

// What became of one kind of thing.
struct StageReport {
  std::string stage;
  size_t created_count = 0;
  size_t there_already_count = 0;
  size_t refused_count = 0;
  // Not asked for, because something before them was refused or the server went away.
  size_t left_out_count = 0;
  absl::Duration took;
};

struct Refusal {
  Origin origin;
  absl::Status error;
};

struct ImportReport {
  std::vector<StageReport> stages;
  std::vector<Refusal> refusals;
  // Why the import ended early: the server went away or the outcome of a call is unknown. Otherwise
  // OK.
  absl::Status broken;

  bool is_complete() const { return refusals.empty() && broken.ok(); }
  // Whether anything is in the books that was not there before.
  bool has_created() const;
};

// Carries out a plan whose references were checked against `books`. What is refused does not stop
// its equals, but what comes after may rest on it and is left out. Safe to run again: what is there
// already with the same content is counted, not repeated; what is there with other content is
// refused with the difference.
ImportReport RunImport(const Plan& plan, const Books& books, const ImportSettings& settings);

// What `RunImport` would do, as far as it can be told without asking for it: movements count as
// created, since only posting tells which papers are in the books.
ImportReport RehearseImport(const Plan& plan, const Books& books);

}  // namespace quartermaster::qmctl
