#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "platform/base/mutex.h"

namespace quartermaster::testing {

// One line of a movement, as its client asked for it.
struct AskedLine {
  // `items/{item}/lots/{lot}`.
  std::string lot;
  // `units/{unit}/locations/{location}`; the numbers of states are the API's.
  std::string source;
  int source_state = 0;
  std::string destination;
  int destination_state = 0;
  int64_t base_quantity = 0;

  friend bool operator==(const AskedLine&, const AskedLine&) = default;
};

// What a client knows of one request of its own: what it asked, and what came back.
struct AskedRequest {
  enum class Outcome {
    // No answer, or one that leaves it open.
    kOpen,
    kAcknowledged,
    // Told that nothing was written.
    kRefused
  };

  std::string caller;
  // 36 characters.
  std::string request_id;
  Outcome outcome = Outcome::kOpen;
  // What was written, once acknowledged: `movements/{uuid}`, or a document and its etag,
  // `transfers/{uuid}@v3`.
  std::string answer;
};

// A movement that was asked for.
struct AskedMovement : AskedRequest {
  int reason = 0;
  std::vector<AskedLine> lines;
};

// All that a client asked for.
struct History {
  std::vector<AskedMovement> movements;
  // Changes of documents.
  std::vector<AskedRequest> changes;
};

// Keeps a client's own record of what it asked and was told, in a file: each line is in the file
// before the call goes out and as soon as its answer is in. Thread-safe.
class HistoryWriter {
 public:
  // Appends to `path`. Ends the process if it cannot: a test without its history proves nothing.
  explicit HistoryWriter(const std::string& path);
  ~HistoryWriter();
  HistoryWriter(const HistoryWriter&) = delete;
  HistoryWriter& operator=(const HistoryWriter&) = delete;

  // To be called before the request leaves for the first time.
  void Asked(const AskedMovement& movement);
  void Asked(const AskedRequest& change);
  void Acknowledged(absl::string_view request_id, absl::string_view answer);
  void Refused(absl::string_view request_id, absl::string_view reason);

 private:
  void Append(const std::string& line);

  const int file_;
  base::Mutex mutex_;
};

// Reads what `HistoryWriter` wrote. INVALID_ARGUMENT names the line that is not of its form.
absl::StatusOr<History> ReadHistory(const std::string& path);

}  // namespace quartermaster::testing
