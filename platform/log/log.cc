#include "platform/log/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/utf8.h"
#include "platform/log/line_writer.h"

namespace quartermaster::log {
namespace {

// A longer value says more about an attacker than about an error.
constexpr size_t kValueBytesMax = 4096;
constexpr size_t kLineBytesUsual = 512;
constexpr absl::Duration kClosePatience = absl::Seconds(5);

// The one log of the process. Never destroyed: a thread may log while main() returns.
struct Log {
  std::string service;
  std::atomic<Level> level = Level::kInfo;
  // The last of `writers`.
  std::atomic<LineWriter*> writer = nullptr;
  // Every writer there ever was, two or three: one that was replaced may be in use by a thread.
  std::vector<std::unique_ptr<LineWriter>> writers;

  // The writer before writes out what it has, if it can.
  void Use(std::unique_ptr<LineWriter> next) {
    LineWriter* const before = writer.exchange(next.get());
    writers.push_back(std::move(next));
    if (before != nullptr) before->Close(kClosePatience);
  }
};

Log& TheLog() {
  static Log& log = *[] {
    auto* made = new Log;
    made->Use(std::make_unique<LineWriter>(STDERR_FILENO, std::nullopt));
    return made;
  }();
  return log;
}

// Whether `text` is a JSON string as it is.
bool IsPlain(absl::string_view text) {
  return std::ranges::all_of(text,
                             [](char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; });
}

// Appends `text` as a JSON string.
void AppendJsonString(absl::string_view text, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  out.push_back('"');
  if (text.size() <= kValueBytesMax && IsPlain(text)) {
    out.append(text.data(), text.size());
    out.push_back('"');
    return;
  }
  for (const char c : base::CleanUtf8(text, kValueBytesMax)) {
    const auto byte = static_cast<uint8_t>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '\n') {
      out.append("\\n");
    } else if (byte < 0x20 || byte == 0x7F) {
      out.append("\\u00");
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 0xF]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

std::string JsonString(absl::string_view text) {
  std::string json;
  AppendJsonString(text, json);
  return json;
}

// What is written of one second, without its fraction: a thread writes many lines in each. No
// string: what is destroyed with the thread would be gone before its last lines.
struct WrittenSecond {
  int64_t second = std::numeric_limits<int64_t>::min();
  std::array<char, sizeof("292277026596-01-01T00:00:00")> text = {};
  size_t length = 0;
};
static_assert(std::is_trivially_destructible_v<WrittenSecond>);

std::string FormatLogTime(absl::Time time) {
  if (time == absl::InfiniteFuture() || time == absl::InfinitePast()) return absl::FormatTime(time);
  thread_local WrittenSecond last;
  const int64_t second = absl::ToUnixSeconds(time);
  if (second != last.second) {
    const std::string text = absl::FormatTime("%E4Y-%m-%dT%H:%M:%S", time, absl::UTCTimeZone());
    last.second = second;
    last.length = text.copy(last.text.data(), last.text.size());
  }
  const int64_t micros = absl::ToInt64Microseconds(time - absl::FromUnixSeconds(second));
  // Seven digits, of which the first is not shown.
  const std::string digits = absl::StrCat(1'000'000 + micros);
  return absl::StrCat(absl::string_view(last.text.data(), last.length), ".",
                      absl::string_view(digits).substr(1), "Z");
}

}  // namespace

Field::Field(absl::string_view key, absl::string_view value)
    : key_(key), json_(JsonString(value)) {}
Field::Field(absl::string_view key, bool value) : key_(key), json_(value ? "true" : "false") {}
Field::Field(absl::string_view key, Number number) : key_(key), json_(absl::StrCat(number.value)) {}
Field::Field(absl::string_view key, absl::Duration value)
    : key_(key), json_(JsonString(absl::FormatDuration(value))) {}
Field::Field(absl::string_view key, absl::Time value)
    : key_(key), json_(JsonString(FormatLogTime(value))) {}

absl::string_view LevelName(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warning";
    case Level::kError:
      return "error";
  }
  return "";
}

std::optional<Level> ParseLevel(absl::string_view name) {
  for (const Level level : {Level::kDebug, Level::kInfo, Level::kWarning, Level::kError}) {
    if (LevelName(level) == name) return level;
  }
  return std::nullopt;
}

absl::Status Start(const Options& options) {
  int file = STDERR_FILENO;
  if (!options.file.empty()) {
    // Not closed again: a thread may still write to it.
    file = open(options.file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0) {
      return absl::FailedPreconditionError(absl::StrCat(
          "the log file \"", options.file, "\" cannot be opened: ", std::strerror(errno)));
    }
  }
  Log& log = TheLog();
  log.service = options.service;
  log.level = options.level;
  std::optional<int> queue_max;
  if (options.is_asynchronous) {
    queue_max = options.queue_max;
    // A program that ends without `Stop` must not keep its last words to itself.
    static const int kept = std::atexit(Stop);
    (void)kept;
  }
  log.Use(std::make_unique<LineWriter>(file, queue_max));
  return absl::OkStatus();
}

void Stop() { TheLog().writer.load()->Close(kClosePatience); }

int64_t LostLineCount() { return TheLog().writer.load()->lost_count(); }

bool IsOn(Level level) { return level >= TheLog().level.load(std::memory_order_relaxed); }

std::string RenderLine(absl::Time time, Level level, absl::string_view service,
                       absl::string_view message, absl::Span<const Field> fields) {
  std::string line;
  line.reserve(kLineBytesUsual);
  absl::StrAppend(&line, "{\"time\":\"", FormatLogTime(time), "\",\"level\":\"", LevelName(level),
                  "\",\"service\":");
  AppendJsonString(service, line);
  line.append(",\"message\":");
  AppendJsonString(message, line);
  for (const Field& field : fields) {
    absl::StrAppend(&line, ",\"", field.key(), "\":", field.json());
  }
  line.push_back('}');
  return line;
}

void Write(Level level, absl::string_view message, absl::Span<const Field> fields) {
  if (!IsOn(level)) return;
  Log& log = TheLog();
  std::string line = RenderLine(absl::Now(), level, log.service, message, fields);
  line.push_back('\n');
  log.writer.load()->Write(line, level >= Level::kWarning);
}

}  // namespace quartermaster::log
