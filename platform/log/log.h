#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "platform/log/private.h"

// The program's log: one JSON object a line.
//
//   log::Info("sealed", {{"block", block_number}, {"took", elapsed}});
//   {"time":"2026-11-21T22:13:41.123456Z","level":"info","service":"inventory-svc",
//    "message":"sealed","block":17,"took":"12ms"}
//
// Messages are fixed text; what varies is a field. Personal data is in neither.
namespace quartermaster::log {

enum class Level { kDebug, kInfo, kWarning, kError };

// One key and its value, already in JSON. Keys are fixed text of letters, digits and underscores.
class Field {
 public:
  Field(absl::string_view key, absl::string_view value);
  Field(absl::string_view key, const std::string& value) : Field(key, absl::string_view(value)) {}
  Field(absl::string_view key, const char* value) : Field(key, absl::string_view(value)) {}
  Field(absl::string_view key, bool value);
  template <std::integral T>
  requires(!std::same_as<T, bool>) Field(absl::string_view key, T value)
      : Field(key, Number{static_cast<int64_t>(value)}) {}
  Field(absl::string_view key, absl::Duration value);
  Field(absl::string_view key, absl::Time value);
  template <typename T>
  Field(absl::string_view key, const Private<T>& value) = delete;

  absl::string_view key() const { return key_; }
  const std::string& json() const { return json_; }

 private:
  struct Number {
    int64_t value;
  };
  Field(absl::string_view key, Number number);

  absl::string_view key_;
  std::string json_;
};

struct Options {
  // Which program speaks.
  std::string service;
  // Lines below it are not written.
  Level level = Level::kInfo;
  // File to append to; empty means standard error. A rotation must copy and truncate.
  std::string file;
  // Lines go through a queue to a thread of their own, so that a slow disk never holds up a call.
  // When the queue is full the oldest line is lost, and counted. Warnings and errors are written at
  // once, other lines within 20 ms and with what came before. Otherwise the caller writes.
  bool is_asynchronous = true;
  int queue_max = 8192;
};

// Starts the log of this process. Fails if the file cannot be opened. Before it, and after `Stop`,
// lines go to standard error at once. Not thread-safe; call it in main() before other threads run.
absl::Status Start(const Options& options);

// Writes out what is queued and ends the log's thread, unless nobody takes the lines for 5 s. The
// normal end of a program does so too. Not thread-safe, though other threads may still be logging.
void Stop();

// Returns how many lines were lost because the queue was full, or the disk.
int64_t LostLineCount();

// Returns `debug`, `info`, `warning` or `error`.
absl::string_view LevelName(Level level);
// The other way round; nothing for another word.
std::optional<Level> ParseLevel(absl::string_view name);

// Tells whether lines of `level` are written at all.
bool IsOn(Level level);

// Writes one line. Thread-safe, like the four below.
void Write(Level level, absl::string_view message, absl::Span<const Field> fields);

inline void Debug(absl::string_view message, std::initializer_list<Field> fields = {}) {
  Write(Level::kDebug, message, fields);
}
inline void Info(absl::string_view message, std::initializer_list<Field> fields = {}) {
  Write(Level::kInfo, message, fields);
}
inline void Warning(absl::string_view message, std::initializer_list<Field> fields = {}) {
  Write(Level::kWarning, message, fields);
}
inline void Error(absl::string_view message, std::initializer_list<Field> fields = {}) {
  Write(Level::kError, message, fields);
}

// Renders one line without its line feed. For `Write` and for tests.
std::string RenderLine(absl::Time time, Level level, absl::string_view service,
                       absl::string_view message, absl::Span<const Field> fields);

}  // namespace quartermaster::log
