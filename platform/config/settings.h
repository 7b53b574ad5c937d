#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

// A program's settings, read from the environment. Each is declared once, with its default, its
// bounds and what it is for; the table in docs/operations.md is printed from the declarations.
//
//   struct PlannerOptions {
//     int thread_count = 4;
//     absl::Duration turn_time = absl::Seconds(1);
//   };
//   config::Settings settings("QM_PLANNER_", config::ReadEnvironment());
//   settings.Int("QM_PLANNER_THREADS", &options.thread_count,
//                {.min = 1, .max = 64, .unit = "threads", .help = "How many plans run at once."});
//   settings.Duration("QM_PLANNER_TURN_TIME", &options.turn_time,
//                     {.max = absl::Minutes(1), .help = "Longest time one plan may take."});
//   QM_RETURN_IF_ERROR(settings.Check());
namespace quartermaster::config {

// Variables by name.
using Environment = std::map<std::string, std::string>;

// Returns this process's environment. Call it before other threads start.
Environment ReadEnvironment();

struct IntBounds {
  int64_t min = std::numeric_limits<int64_t>::min();
  int64_t max = std::numeric_limits<int64_t>::max();
  // What is counted: `threads`, `rows`, `bytes`.
  std::string unit = "";
  std::string help = "";
};

struct DurationBounds {
  absl::Duration min = absl::ZeroDuration();
  absl::Duration max = absl::Hours(24 * 365);
  std::string help = "";
};

struct TextBounds {
  // An empty value is an error.
  bool is_required = false;
  // If not empty, the value must be one of these.
  std::vector<std::string> choices = {};
  std::string help = "";
};

// Reads settings into the fields that hold their defaults. An empty variable counts as unset. What
// is wrong is collected, so that one start tells every mistake; a field whose value was wrong keeps
// its default.
//
// Not thread-safe. The fields must live until they are read, no longer.
class Settings {
 public:
  // `prefix` is what all of this program's variables begin with: `QM_INVENTORY_`.
  Settings(absl::string_view prefix, Environment environment)
      : prefix_(prefix), environment_(std::move(environment)) {}

  absl::string_view prefix() const { return prefix_; }

  // Reads a whole number in decimal.
  template <std::integral T>
  void Int(absl::string_view name, T* value, IntBounds bounds) {
    int64_t number = static_cast<int64_t>(*value);
    ReadInt(name, &number, Narrow<T>(std::move(bounds)));
    *value = static_cast<T>(number);
  }
  // Reads a span of time such as `250ms`, `10s`, `1h30m`.
  void Duration(absl::string_view name, absl::Duration* value, DurationBounds bounds);
  // Reads `true` or `false`.
  void Bool(absl::string_view name, bool* value, absl::string_view help);
  void String(absl::string_view name, std::string* value, TextBounds bounds);
  // Reads the name of a file or folder. Whether it exists is for whoever opens it to say.
  void Path(absl::string_view name, std::string* value, TextBounds bounds);
  // Reads a value that no output ever shows, from variable `name`, or from the file whose path is
  // in variable `name` + `_FILE` (its last line feed does not count). Both at once is an error.
  void Secret(absl::string_view name, std::string* value, TextBounds bounds);

  // Reports a mistake that only the program can see: two settings that contradict each other.
  void AddMistake(absl::string_view name, absl::string_view what);

  // Returns INVALID_ARGUMENT with every mistake, one a line: the variable, its value, what would be
  // right. A variable that begins with this program's prefix, that nobody declared and that looks
  // like a misspelt one is a mistake too. Call it after the last declaration.
  absl::Status Check() const;

  // Returns the variables with this program's prefix that nobody declared, for the log: a leftover
  // of another version, most likely.
  std::vector<std::string> UnknownVariables() const;

  // Renders all declared settings as a Markdown table, in the order of declaration.
  std::string PrintSettings() const;

 private:
  struct Declared {
    std::string name;
    std::string default_value;
    std::string range;
    std::string help;
  };

  template <std::integral T>
  static IntBounds Narrow(IntBounds bounds) {
    if constexpr (sizeof(T) < sizeof(int64_t)) {
      bounds.min = std::max<int64_t>(bounds.min, std::numeric_limits<T>::min());
      bounds.max = std::min<int64_t>(bounds.max, std::numeric_limits<T>::max());
    } else if constexpr (std::unsigned_integral<T>) {
      bounds.min = std::max<int64_t>(bounds.min, 0);
    }
    return bounds;
  }
  void ReadInt(absl::string_view name, int64_t* value, const IntBounds& bounds);
  // Notes the declaration; returns the variable's value, or null if it is not set.
  const std::string* Declare(absl::string_view name, std::string default_value, std::string range,
                             absl::string_view help);
  void CheckText(absl::string_view name, const std::string& value, const TextBounds& bounds,
                 bool is_secret);

  std::string prefix_;
  Environment environment_;
  std::vector<Declared> declared_;
  std::vector<std::string> mistakes_;
};

}  // namespace quartermaster::config
